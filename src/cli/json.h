/* JSON output. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stddef.h>
#include <stdio.h>

/* Print bytes as a JSON string. Bytes that are not UTF-8 become U+FFFD. */
void cli_put_json(FILE *to, const char *text, size_t length);

#endif
