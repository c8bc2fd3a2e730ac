/* Parsing the decimal numbers of data files. */
#include <math.h>

#include "tasks/tasks.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether the text is `word`, which is in lower case. The letter case of the text is ignored. */
static bool is_word(const char *text, size_t n, const char *word)
{
    size_t i = 0;
    for (; i < n && word[i]; i++)
        if ((text[i] | 0x20) != word[i]) return false;
    return i == n && !word[i];
}

static bool parse_exponent(const char *p, const char *end, int *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    int value = 0;
    for (; p < end; p++) {
        if (!is_digit(*p)) return false;
        if (value < 100000) value = 10 * value + (*p - '0');
    }
    *exponent += negative ? -value : value;
    return true;
}

static bool parse_decimal(const char *p, const char *end, double *value)
{
    double mantissa = 0;
    int exponent = 0, digits = 0;
    bool point = false;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        mantissa = 10 * mantissa + (*p - '0');
        exponent -= point;
        digits++;
    }
    if (digits == 0 || digits > 300) return false;
    if (p < end && !((*p | 0x20) == 'e' && parse_exponent(p + 1, end, &exponent))) return false;
    if (mantissa == 0) exponent = 0;
    *value = exponent < 0 ? mantissa / pow(10, -exponent) : mantissa * pow(10, exponent);
    return true;
}

bool bc_parse_number(const char *text, size_t n, double *value)
{
    const char *p = text, *end = text + n;
    bool negative = n > 0 && *p == '-';
    if (n > 0 && (*p == '-' || *p == '+')) p++;
    size_t left = (size_t)(end - p);
    if (is_word(p, left, "inf") || is_word(p, left, "infinity")) *value = INFINITY;
    else if (is_word(p, left, "nan")) *value = NAN;
    else if (!parse_decimal(p, end, value)) return false;
    if (negative) *value = -*value;
    return true;
}
