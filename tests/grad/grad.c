#include "grad/grad.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static double quotient(grad_function *f, void *context, double *x, double step)
{
    static const double at[4] = {1.0, -1.0, 2.0, -2.0};
    static const double weight[4] = {8.0, -8.0, -1.0, 1.0};
    double kept = *x, sum = 0.0;
    for (int i = 0; i < 4; i++) {
        *x = kept + at[i] * step;
        sum += weight[i] * f(context);
    }
    *x = kept;
    return sum / (12.0 * step);
}

double grad_error(grad_function *f, void *context, double *x, const double *gradient, size_t count, double step)
{
    double squares = 0.0, worst = 0.0;
    for (size_t i = 0; i < count; i++) squares += gradient[i] * gradient[i];
    double typical = sqrt(squares / (double)count);
    for (size_t i = 0; i < count; i++) {
        double error = fabs(quotient(f, context, x + i, step) - gradient[i]);
        double relative = error / fmax(fabs(gradient[i]), fmax(typical, 1e-3));
        if (!(relative <= worst)) worst = relative;
    }
    return worst;
}

void grad_check(const char *what, grad_function *f, void *context, double *x, const double *gradient, size_t count)
{
    double worst = grad_error(f, context, x, gradient, count, 2e-4);
    print_message("%-40s %.1e\n", what, worst);
    if (!(worst <= GRAD_BOUND)) fail_msg("%s: relative error %.3e", what, worst);
}

double grad_dot(const double *x, const double *weights, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += x[i] * weights[i];
    return sum;
}
