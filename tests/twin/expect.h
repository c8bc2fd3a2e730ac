/* Checks of measured errors. A test prints the largest error of each kind. */
#ifndef TWIN_EXPECT_H
#define TWIN_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* A measured quantity, its bound, and the largest value so far. */
typedef struct measure {
    const char *what;
    double bound, worst;
} measure;

/* Fail the test if the value exceeds the bound or is NaN. */
static inline void expect_within(measure *m, double value)
{
    if (!(value <= m->worst)) m->worst = value;
    if (!(value <= m->bound)) fail_msg("%s: %.3e, bound %.1e", m->what, value, m->bound);
}

static inline void print_measures(const measure *m, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_message("%-36s worst %.2e, bound %.1e\n", m[i].what, m[i].worst, m[i].bound);
}

#endif
