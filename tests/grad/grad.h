/* Gradients by finite differences.
 *
 * Fourth-order central differences: with step e the error is O(e^4) of truncation and about
 * 1e-16 / e of rounding, so that a step of 2e-4 leaves some 1e-11 of the function's size. */
#ifndef GRAD_H
#define GRAD_H

#include <stddef.h>

/* The largest relative error that a test accepts. */
#define GRAD_BOUND 1e-7

/* A scalar function of variables that `context` knows how to find. */
typedef double grad_function(void *context);

/* The largest |difference quotient - gradient[i]| over max(|gradient[i]|, root mean square of the
 * gradient), for x[0..count-1], which are restored. */
double grad_error(grad_function *f, void *context, double *x, const double *gradient, size_t count, double step);

/* Fails the running test unless that error is below GRAD_BOUND, and prints it. */
void grad_check(const char *what, grad_function *f, void *context, double *x, const double *gradient, size_t count);

/* Sum of x * weights: turns an operation's output into a scalar whose gradient is `weights`. */
double grad_dot(const double *x, const double *weights, size_t count);

#endif
