/* Edit distance with adjacent swaps counted as one; a word that is only begun is near. */
#include "cli/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 32 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance of two words of at most LONGEST bytes. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= na; i++) d[i][0] = i;
    for (size_t j = 0; j <= nb; j++) d[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        for (size_t j = 1; j <= nb; j++) {
            size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = least(change, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[na][nb];
}

const char *cli_nearest(const char *word, const char *(*next)(const void *context, size_t index),
                        const void *context)
{
    size_t length = strlen(word);
    if (length == 0 || length > LONGEST) return NULL;
    const char *nearest = NULL;
    size_t best = length / 3 + 2; /* must be nearer than this */
    const char *candidate;
    for (size_t i = 0; (candidate = next(context, i)) != NULL; i++) {
        size_t n = strlen(candidate);
        if (n > LONGEST) continue;
        bool begun = length > 1 && strncmp(word, candidate, length) == 0;
        size_t d = begun ? 1 : distance(word, length, candidate, n);
        if (d < best) {
            best = d;
            nearest = candidate;
        }
    }
    return nearest;
}
