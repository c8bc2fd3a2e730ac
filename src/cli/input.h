/* Standard input, byte for byte: only the newline ends a line and only it is taken off. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "bertc.h"

typedef struct cli_lines {
    char *buffer;
    size_t capacity, begin, end; /* unread bytes are buffer[begin..end-1] */
    size_t line, length;     /* line ends so far, and bytes behind the last one */
    bool ended;
} cli_lines;

/* A line of more than 64 MB is refused (BERTC_INPUT), before more of it is read.
 *
 * The next whole lines, newlines included, as many as have been read (valid until the next call);
 * only the very last one may lack its newline. False at the end or on an error: see err. Starts as
 * {0}. */
bool cli_lines_next(cli_lines *lines, const char **text, size_t *length, bertc_error *err);
void cli_lines_clear(cli_lines *lines);

/* All of standard input, owned by the caller (free). */
bertc_status cli_read_all(char **text, size_t *length, bertc_error *err);

#endif
