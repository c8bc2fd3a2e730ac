/* "Did you mean": names that are nearly right. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/* The candidate nearest to `word` in edit distance, or null where none is near. `next` gives the
 * candidates by index, null past the end. */
const char *cli_nearest(const char *word, const char *(*next)(const void *context, size_t index),
                        const void *context);

#endif
