/* Gradients by finite differences.
 *
 * The differences are central and of fourth order. With a step e the truncation error is O(e^4) and the rounding error
 * about 1e-16 / e. A step of 2e-4 leaves a relative error of about 1e-11. */
#ifndef GRAD_H
#define GRAD_H

#include <stddef.h>

/* The largest relative error that a test accepts. */
#define GRAD_BOUND 1e-7

/* A scalar function. context: its arguments, and the variables that the differences are taken of. */
typedef double grad_function(void *context);

/* The largest |difference quotient - gradient[i]| / max(|gradient[i]|, root mean square of the gradient). The variables
 * x[0..count-1] are changed and restored. */
double grad_error(grad_function *f, void *context, double *x, const double *gradient, size_t count, double step);

/* Print that error, and fail the test if it exceeds GRAD_BOUND. */
void grad_check(const char *what, grad_function *f, void *context, double *x, const double *gradient, size_t count);

/* The sum of x * weights: a scalar function of an operation's output x, with the gradient `weights`. */
double grad_dot(const double *x, const double *weights, size_t count);

#endif
