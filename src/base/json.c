#include "base/json.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/magic.h"
#include "base/memory.h"

enum { FEW = 8 }; /* members of an object whose names are compared without an allocation */

/* Maximum length of a number in characters: the size of cJSON 1.7.15's buffer. */
enum { LONGEST_NUMBER = 63 };

/* 2^53: doubles represent every whole number up to this magnitude exactly. */
#define LARGEST_WHOLE 9007199254740992.0

/* A recursive-descent check. After a failure `at` is the offset of the offending byte. */
typedef struct scanner {
    const unsigned char *text;
    size_t length, at;
    const char *reason; /* why the check failed; null: it has not failed */
    size_t keys;        /* number of member names seen so far */
    size_t repeated;    /* number of the member name to refuse as a duplicate; 0: none */
    int depth;
} scanner;

static bool scan_value(scanner *s);

static bool refuse(scanner *s, size_t at, const char *reason)
{
    s->at = at;
    s->reason = reason;
    return false;
}

static bool at_byte(const scanner *s, int byte)
{
    return s->at < s->length && s->text[s->at] == byte;
}

static bool at_digit(const scanner *s)
{
    return s->at < s->length && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

static void skip_space(scanner *s)
{
    while (at_byte(s, ' ') || at_byte(s, '\t') || at_byte(s, '\n') || at_byte(s, '\r')) s->at++;
}

/* Parse "\uXXXX" at `at`; -1 if the bytes there have another form. */
static int hex4(const scanner *s, size_t at)
{
    int value = 0;
    if (s->length - at < 6 || s->text[at] != '\\' || s->text[at + 1] != 'u') return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        int c = s->text[i], lower = c | 0x20;
        if (c >= '0' && c <= '9') value = value * 16 + c - '0';
        else if (lower >= 'a' && lower <= 'f') value = value * 16 + lower - 'a' + 10;
        else return -1;
    }
    return value;
}

static bool scan_unicode_escape(scanner *s)
{
    int unit = hex4(s, s->at);
    if (unit < 0) return refuse(s, s->at, "\\u without four hexadecimal digits");
    if (unit == 0) return refuse(s, s->at, "\\u0000 in a string");
    if (unit >= 0xdc00 && unit <= 0xdfff) return refuse(s, s->at, "lone surrogate");
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int second = hex4(s, s->at + 6);
        if (second < 0xdc00 || second > 0xdfff) return refuse(s, s->at, "lone surrogate");
        s->at += 6;
    }
    s->at += 6;
    return true;
}

static bool scan_escape(scanner *s)
{
    if (s->length - s->at < 2) return refuse(s, s->length, "unexpected end");
    unsigned char c = s->text[s->at + 1];
    if (c == 'u') return scan_unicode_escape(s);
    if (c == 0 || !strchr("\"\\/bfnrt", c)) return refuse(s, s->at, "unknown escape");
    s->at += 2;
    return true;
}

static bool scan_string(scanner *s)
{
    for (s->at++; s->at < s->length;) {
        unsigned char c = s->text[s->at];
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20) return refuse(s, s->at, "control character in a string");
        if (c == '\\') {
            if (!scan_escape(s)) return false;
            continue;
        }
        size_t n = bc_utf8_sequence(s->text + s->at, s->length - s->at);
        if (n == 0) return refuse(s, s->at, "invalid UTF-8");
        s->at += n;
    }
    return refuse(s, s->length, "unexpected end");
}

static bool scan_digits(scanner *s)
{
    if (!at_digit(s)) return refuse(s, s->at, "digit expected");
    while (at_digit(s)) s->at++;
    return true;
}

/* Whether the number from `start` to `at`, whose syntax is checked, is a finite double. */
static bool number_in_range(scanner *s, size_t start)
{
    char copy[LONGEST_NUMBER + 1];
    size_t length = s->at - start;
    if (length > LONGEST_NUMBER) return refuse(s, start, "number longer than 63 characters");
    memcpy(copy, s->text + start, length);
    copy[length] = '\0';
    if (isinf(strtod(copy, NULL))) return refuse(s, start, "number out of range");
    return true;
}

static bool scan_number(scanner *s)
{
    size_t start = s->at;
    if (at_byte(s, '-')) s->at++;
    if (at_byte(s, '0')) {
        s->at++;
        if (at_digit(s)) return refuse(s, start, "number with a leading zero");
    } else if (!scan_digits(s)) {
        return false;
    }
    if (at_byte(s, '.')) {
        s->at++;
        if (!scan_digits(s)) return false;
    }
    if (at_byte(s, 'e') || at_byte(s, 'E')) {
        s->at++;
        if (at_byte(s, '+') || at_byte(s, '-')) s->at++;
        if (!scan_digits(s)) return false;
    }
    return number_in_range(s, start);
}

static bool scan_word(scanner *s, const char *word)
{
    size_t length = strlen(word);
    if (s->length - s->at < length || memcmp(s->text + s->at, word, length) != 0)
        return refuse(s, s->at, "value expected");
    s->at += length;
    return true;
}

static bool expect(scanner *s, int byte, const char *reason)
{
    skip_space(s);
    if (s->at == s->length) return refuse(s, s->at, "unexpected end");
    if (!at_byte(s, byte)) return refuse(s, s->at, reason);
    s->at++;
    return true;
}

static bool scan_member(scanner *s)
{
    skip_space(s);
    size_t start = s->at;
    if (s->at == s->length) return refuse(s, s->at, "unexpected end");
    if (!at_byte(s, '"')) return refuse(s, s->at, "member name expected");
    if (!scan_string(s)) return false;
    if (++s->keys == s->repeated) return refuse(s, start, "duplicate key");
    return expect(s, ':', "':' expected") && scan_value(s);
}

/* Scan an object or an array: an opening bracket, items separated by commas, a closing bracket. */
static bool scan_container(scanner *s, int close, bool (*item)(scanner *), const char *reason)
{
    if (s->depth == BC_JSON_DEPTH) return refuse(s, s->at, "nested deeper than 64");
    s->depth++;
    s->at++;
    skip_space(s);
    if (!at_byte(s, close)) {
        if (!item(s)) return false;
        for (skip_space(s); at_byte(s, ','); skip_space(s)) {
            s->at++;
            if (!item(s)) return false;
        }
    }
    s->depth--;
    return expect(s, close, reason);
}

static bool scan_value(scanner *s)
{
    skip_space(s);
    if (s->at == s->length) return refuse(s, s->at, "unexpected end");
    switch (s->text[s->at]) {
    case '{': return scan_container(s, '}', scan_member, "',' or '}' expected");
    case '[': return scan_container(s, ']', scan_value, "',' or ']' expected");
    case '"': return scan_string(s);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: break;
    }
    if (at_byte(s, '-') || at_digit(s)) return scan_number(s);
    return refuse(s, s->at, "value expected");
}

static bool scan_document(scanner *s)
{
    if (s->length >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0) return refuse(s, 0, "byte order mark");
    if (!scan_value(s)) return false;
    skip_space(s);
    if (s->at < s->length) return refuse(s, s->at, "text after the end of the document");
    return true;
}

/* Duplicate keys. The scanner does not compare names, because they may contain escapes; cJSON's tree has decoded names.
 * Names are numbered in the order of the text. Each object's names are sorted to find a repeated one. A second scan
 * then finds the offset of the name with that number. */

typedef struct name {
    const char *text;
    size_t number;
} name;

static int compare_names(const void *a, const void *b)
{
    const name *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Number the names below `node`. *seen counts the names; *repeated is the number of a repeated name or stays 0. False
 * if memory runs out. */
static bool find_repeated(const cJSON *node, size_t *seen, size_t *repeated)
{
    bool object = cJSON_IsObject(node), ok = true;
    size_t count = 0, i = 0;
    const cJSON *child;
    if (!object && !cJSON_IsArray(node)) return true;
    cJSON_ArrayForEach(child, node) count += object;
    name few[FEW], *names = count <= FEW ? few : bc_alloc(count, sizeof *names);
    if (!names) return false;
    cJSON_ArrayForEach(child, node) {
        if (object) names[i++] = (name){child->string, ++*seen};
        if (ok) ok = find_repeated(child, seen, repeated);
    }
    bool search = ok && count && *repeated == 0;
    if (search) qsort(names, count, sizeof *names, compare_names);
    for (size_t k = 1; search && k < count && *repeated == 0; k++)
        if (strcmp(names[k - 1].text, names[k].text) == 0) *repeated = names[k].number;
    if (names != few) bc_free(names);
    return ok;
}

/* line: number of the line that the text is; 0: the text is a whole document */
static bertc_status refused(const scanner *s, const char *place, size_t line, bertc_error *err)
{
    if (line) return bc_fail(err, BERTC_INPUT, "%s:%zu:%zu: %s", place, line, s->at + 1, s->reason);
    return bc_fail(err, BERTC_INPUT, "%s @%zu: %s", place, s->at, s->reason);
}

static bertc_status parse(const char *text, size_t length, const char *place, size_t line, cJSON **tree,
                          bertc_error *err)
{
    scanner s = {.text = (const unsigned char *)text, .length = length};
    if (!scan_document(&s)) return refused(&s, place, line, err);
    cJSON *root = cJSON_ParseWithLength(text, length);
    if (!root) return bc_fail_memory(err);
    size_t seen = 0, repeated = 0;
    bool ok = find_repeated(root, &seen, &repeated);
    if (ok && repeated == 0) {
        *tree = root;
        return BERTC_OK;
    }
    cJSON_Delete(root);
    if (!ok) return bc_fail_memory(err);
    s = (scanner){.text = (const unsigned char *)text, .length = length, .repeated = repeated};
    scan_document(&s);
    return refused(&s, place, line, err);
}

/* Switch to the C locale, in which numbers have a decimal point. */
static locale_t enter_c_locale(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

bertc_status bc_json_parse_line(const char *text, size_t length, const char *path, size_t line, cJSON **tree,
                                bertc_error *err)
{
    locale_t before = enter_c_locale();
    bertc_status status = parse(text, length, path, line, tree, err);
    uselocale(before);
    return status;
}

bertc_status bc_json_parse(const char *text, size_t length, const char *place, cJSON **tree, bertc_error *err)
{
    return bc_json_parse_line(text, length, place, 0, tree, err);
}

bertc_status bc_json_read_text(const char *path, bc_file_kind kind, char **text, size_t *length, cJSON **tree,
                               bertc_error *err)
{
    bertc_status status = bc_file_read(path, kind, text, length, err);
    if (status == BERTC_OK) status = bc_magic_refuse(path, *text, *length, "JSON", err);
    return status == BERTC_OK ? bc_json_parse(*text, *length, path, tree, err) : status;
}

bertc_status bc_json_read(const char *path, bc_file_kind kind, cJSON **tree, bertc_error *err)
{
    char *text = NULL;
    size_t length;
    bertc_status status = bc_json_read_text(path, kind, &text, &length, tree, err);
    bc_free(text);
    return status;
}

const cJSON *bc_json_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

bool bc_json_span(const char *text, size_t length, size_t *at, const char **value, size_t *size)
{
    scanner s = {.text = (const unsigned char *)text, .length = length, .at = *at};
    skip_space(&s);
    if (!at_byte(&s, *at ? ',' : '{')) return false;
    s.at++;
    skip_space(&s);
    if (!at_byte(&s, '"') || !scan_string(&s) || !expect(&s, ':', "")) return false;
    skip_space(&s);
    *value = text + s.at;
    if (!scan_value(&s)) return false;
    *size = (size_t)(text + s.at - *value);
    *at = s.at;
    return true;
}

bertc_status bc_json_int(const cJSON *object, const char *key, int64_t min, int64_t max,
                         const char *place, int64_t *value, bertc_error *err)
{
    const cJSON *item = bc_json_get(object, key);
    if (!item || cJSON_IsNull(item)) return BERTC_OK;
    double number = item->valuedouble;
    if (cJSON_IsNumber(item) && fabs(number) <= LARGEST_WHOLE && floor(number) == number &&
        (int64_t)number >= min && (int64_t)number <= max) {
        *value = (int64_t)number;
        return BERTC_OK;
    }
    char found[BC_JSON_DOUBLE]; /* a number itself, else the kind of the value */
    const char *kind = cJSON_IsString(item) ? "a string"
                       : cJSON_IsBool(item) ? "true or false"
                       : cJSON_IsArray(item) ? "an array"
                                             : "an object";
    if (cJSON_IsNumber(item)) bc_json_double(found, number);
    else snprintf(found, sizeof found, "%s", kind);
    return bc_fail(err, BERTC_INPUT, "%s: \"%s\" is %s, expected a whole number from %lld to %lld",
                   place, key, found, (long long)min, (long long)max);
}

void bc_json_put_with(bc_text *out, const char *text, size_t length, const cJSON *tree, const char *key,
                      const char *value)
{
    const char *spelled;
    size_t at = 0, size;
    bc_text_printf(out, "{\n  ");
    bc_text_quote(out, key);
    bc_text_printf(out, ": %s", value);
    for (const cJSON *item = tree->child; item && bc_json_span(text, length, &at, &spelled, &size); item = item->next) {
        if (strcmp(item->string, key) == 0) continue;
        bc_text_printf(out, ",\n  ");
        bc_text_quote(out, item->string);
        bc_text_printf(out, ": ");
        bc_text_put(out, spelled, size);
    }
    bc_text_printf(out, "\n}\n");
}

void bc_json_double(char out[BC_JSON_DOUBLE], double value)
{
    if (!isfinite(value)) {
        memcpy(out, "null", sizeof "null");
        return;
    }
    locale_t before = enter_c_locale();
    if (fabs(value) < 1e15 && floor(value) == value) {
        snprintf(out, BC_JSON_DOUBLE, "%.0f", value);
    } else {
        /* Decimal texts of up to 15 digits survive the conversion to double and back, so a text shorter than 15
         * digits is what %.15g prints. Only subnormals have fewer digits. */
        int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
        do snprintf(out, BC_JSON_DOUBLE, "%.*g", digits++, value);
        while (strtod(out, NULL) != value);
    }
    uselocale(before);
}

void bc_json_put_double(bc_text *out, double value)
{
    char number[BC_JSON_DOUBLE];
    bc_json_double(number, value);
    bc_text_printf(out, "%s", number);
}

/* Nine digits represent a float; a text of up to 6 digits survives the conversion, as in bc_json_double. */
void bc_json_float(char out[BC_JSON_DOUBLE], float value)
{
    locale_t before = enter_c_locale();
    int digits = fabsf(value) < FLT_MIN ? 1 : FLT_DIG;
    if (isfinite(value)) {
        do snprintf(out, BC_JSON_DOUBLE, "%.*g", digits++, (double)value);
        while ((float)strtod(out, NULL) != value);
    } else snprintf(out, BC_JSON_DOUBLE, "null");
    uselocale(before);
}

void bc_json_put_float(bc_text *out, float value)
{
    char number[BC_JSON_DOUBLE];
    bc_json_float(number, value);
    bc_text_printf(out, "%s", number);
}
