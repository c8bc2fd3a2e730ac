#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "bertc/status.h"

enum { LONGEST = 32 };

/* Return the edit distance of two words of at most LONGEST bytes. An adjacent swap counts as one edit (optimal string
 * alignment). */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= na; i++) d[i][0] = i;
    for (size_t j = 0; j <= nb; j++) d[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        for (size_t j = 1; j <= nb; j++) {
            size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (swapped && d[i - 2][j - 2] + 1 < best) best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[na][nb];
}

const char *bertc_nearest(const char *word, const char *(*next)(const void *context, size_t index), const void *context)
{
    size_t length = strlen(word);
    if (length == 0 || length > LONGEST) return NULL;
    const char *nearest = NULL;
    size_t best = length / 3 + 2; /* only smaller distances are accepted */
    const char *candidate;
    for (size_t i = 0; (candidate = next(context, i)) != NULL; i++) {
        size_t n = strlen(candidate);
        if (n > LONGEST) continue;
        bool prefix = length > 1 && strncmp(word, candidate, length) == 0;
        size_t d = prefix ? 1 : distance(word, length, candidate, n);
        if (d < best) {
            best = d;
            nearest = candidate;
        }
    }
    return nearest;
}
