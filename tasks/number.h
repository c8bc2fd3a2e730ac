/* Decimal numbers as data files spell them. */
#ifndef BC_TASKS_NUMBER_H
#define BC_TASKS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Read all `n` bytes as [+-]digits[.digits][e[+-]digits], "inf", "infinity" or "nan" in any case,
 * under every locale. Exact for up to 15 digits and small exponents, else within a few units in
 * the last place. False where the text is anything else. */
bool bc_parse_number(const char *text, size_t n, double *value);

#endif
