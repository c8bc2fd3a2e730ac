/* Standard input, byte for byte: a line ends at a newline and nowhere else. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "bertc.h"

typedef struct cli_lines {
    char *buffer;
    size_t capacity, begin, end; /* unread bytes are buffer[begin..end-1] */
    size_t line, length;         /* number of newlines read, and number of bytes after the last newline */
    bool ended;                  /* at the end of input */
} cli_lines;

/* Return the next complete lines that one or more reads give, newlines included; only the last line of the input may
 * lack its newline. *text is valid until the next call. False at the end and on an error, which is in `err`. `lines`
 * starts as {0}. Errors: BERTC_INPUT for a line of more than 64 MB, before the rest of it is read; BERTC_IO,
 * BERTC_NOMEM; the status of a signal (cli_signals_status). */
bool cli_lines_next(cli_lines *lines, const char **text, size_t *length, bertc_error *err);
void cli_lines_clear(cli_lines *lines);

/* Whether standard input cannot be read yet: reading would wait. */
bool cli_input_is_late(void);

/* Read all of standard input; *text is owned by the caller (free). */
bertc_status cli_read_all(char **text, size_t *length, bertc_error *err);

#endif
