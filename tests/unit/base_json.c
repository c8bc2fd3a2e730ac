/* JSON: what RFC 8259 forbids is refused with its offset; numbers and strings read back unchanged. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/writer.h"

#define TEXT(t) t, sizeof t - 1

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        const char *message;
    } cases[] = {
        {TEXT(""), "x @0: unexpected end"},
        {TEXT("  \n"), "x @3: unexpected end"},
        {TEXT("\xef\xbb\xbf{}"), "x @0: byte order mark"},
        {TEXT("{} x"), "x @3: text after the end of the document"},
        {TEXT("{}{}"), "x @2: text after the end of the document"},
        {TEXT("{}\0"), "x @2: text after the end of the document"},
        {TEXT("nul"), "x @0: value expected"},
        {TEXT("True"), "x @0: value expected"},
        {TEXT("NaN"), "x @0: value expected"},
        {TEXT("-Infinity"), "x @1: digit expected"},
        {TEXT("[1,]"), "x @3: value expected"},
        {TEXT("[,1]"), "x @1: value expected"},
        {TEXT("[1 2]"), "x @3: ',' or ']' expected"},
        {TEXT("[1"), "x @2: unexpected end"},
        {TEXT("[1}"), "x @2: ',' or ']' expected"},
        {TEXT("{\"a\":1,}"), "x @7: member name expected"},
        {TEXT("{a:1}"), "x @1: member name expected"},
        {TEXT("{'a':1}"), "x @1: member name expected"},
        {TEXT("{\"a\"}"), "x @4: ':' expected"},
        {TEXT("{\"a\" 1}"), "x @5: ':' expected"},
        {TEXT("{\"a\":}"), "x @5: value expected"},
        {TEXT("{\"a\":1 \"b\":2}"), "x @7: ',' or '}' expected"},
        {TEXT("{\"a\":1"), "x @6: unexpected end"},
        {TEXT("{\"a\""), "x @4: unexpected end"},
        {TEXT("{"), "x @1: unexpected end"},
        {TEXT("[1,"), "x @3: unexpected end"},
        {TEXT("[1]\v"), "x @3: text after the end of the document"},
        {TEXT("/**/1"), "x @0: value expected"},
        {TEXT("01"), "x @0: number with a leading zero"},
        {TEXT("-01"), "x @0: number with a leading zero"},
        {TEXT("+1"), "x @0: value expected"},
        {TEXT(".5"), "x @0: value expected"},
        {TEXT("1."), "x @2: digit expected"},
        {TEXT("1.e5"), "x @2: digit expected"},
        {TEXT("1e"), "x @2: digit expected"},
        {TEXT("1e+"), "x @3: digit expected"},
        {TEXT("-"), "x @1: digit expected"},
        {TEXT("0x10"), "x @1: text after the end of the document"},
        {TEXT("[1e999]"), "x @1: number out of range"},
        {TEXT("[-1e309]"), "x @1: number out of range"},
        {TEXT("1234567890123456789012345678901234567890123456789012345678901234"),
         "x @0: number longer than 63 characters"},
        {TEXT("\"a"), "x @2: unexpected end"},
        {TEXT("\"a\\"), "x @3: unexpected end"},
        {TEXT("\"\\x\""), "x @1: unknown escape"},
        {TEXT("\"\\\0\""), "x @1: unknown escape"},
        {TEXT("\"\t\""), "x @1: control character in a string"},
        {TEXT("\"\0\""), "x @1: control character in a string"},
        {TEXT("\"\x1f\""), "x @1: control character in a string"},
        {TEXT("\"\\u12"), "x @1: \\u without four hexadecimal digits"},
        {TEXT("\"\\ud800\\udc0"), "x @1: lone surrogate"},
        {TEXT("\"\\u12\""), "x @1: \\u without four hexadecimal digits"},
        {TEXT("\"\\u12g4\""), "x @1: \\u without four hexadecimal digits"},
        {TEXT("\"\\u\xc4\xb0""23\""), "x @1: \\u without four hexadecimal digits"},
        {TEXT("\"\\u0000\""), "x @1: \\u0000 in a string"},
        {TEXT("{\"a\\u0000b\":1}"), "x @3: \\u0000 in a string"},
        {TEXT("\"\\ud800\""), "x @1: lone surrogate"},
        {TEXT("\"\\ud800x\""), "x @1: lone surrogate"},
        {TEXT("\"\\ud800\\u0041\""), "x @1: lone surrogate"},
        {TEXT("\"\\ud800\\ud800\""), "x @1: lone surrogate"},
        {TEXT("\"\\udc00\\ud800\""), "x @1: lone surrogate"},
        {TEXT("\"\\ud800\\n12345\""), "x @1: lone surrogate"},
        {TEXT("\"\x80\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xc0\xaf\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xc1\xbf\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xe0\x9f\xbf\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xed\xa0\x80\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xf0\x8f\xbf\xbf\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xf4\x90\x80\x80\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xf5\x80\x80\x80\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xe2\x82\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xe2\x28\xa1\""), "x @1: invalid UTF-8"},
        {TEXT("\"\xf0\x9f\x98"), "x @1: invalid UTF-8"},
        {TEXT("{\"a\":1,\"a\":2}"), "x @7: duplicate key"},
        {TEXT("{\"a\":1,\"b\":{\"a\":1,\"c\":2,\"\\u0063\":3}}"), "x @24: duplicate key"},
        {TEXT("[{},{\"\":1,\"\":1}]"), "x @10: duplicate key"},
        {TEXT("{\"x\":{\"y\":1},\"y\":2,\"x\":3}"), "x @19: duplicate key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *tree = NULL;
        bertc_error err = {0};
        /* a copy of the exact size, so that the sanitizer detects reads past the end */
        char *text = malloc(cases[i].length ? cases[i].length : 1);
        assert_non_null(text);
        memcpy(text, cases[i].text, cases[i].length);
        assert_int_equal(bc_json_parse(text, cases[i].length, "x", &tree, &err), BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(tree);
        free(text);
    }
}

static void test_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"0", "0"},
        {"-0.5", "-0.5"}, /* not -0: newer versions of cJSON drop its sign */
        {"\t[ ]\r\n", "[]"},
        {"{ }", "{}"},
        {"[true,false,null]", "[true,false,null]"},
        {"{\"A\":1,\"a\":2}", "{\"A\":1,\"a\":2}"},
        {"{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"},
        {"[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]"},
        {"1E5", "100000"},
        {"1e-400", "0"},
        {"-1.5e+3", "-1500"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\\"\\\\/\\b\\f\\n\\r\\tA\""},
        {"\"\\ud83d\\ude00\\uFFFF\"", "\"\xf0\x9f\x98\x80\xef\xbf\xbf\""},
        {"\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
         "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *tree = NULL;
        bertc_error err = {0};
        assert_int_equal(bc_json_parse(cases[i].text, strlen(cases[i].text), "x", &tree, &err), BERTC_OK);
        char *printed = cJSON_PrintUnformatted(tree);
        assert_string_equal(printed, cases[i].printed);
        cJSON_free(printed);
        cJSON_Delete(tree);
    }
}

static void test_depth(void **state)
{
    (void)state;
    bc_text wide = {0};
    cJSON *flat = NULL;
    for (int i = 0; i < 100; i++) bc_text_printf(&wide, "%s[{}]", i ? "," : "[");
    bc_text_printf(&wide, "]");
    assert_int_equal(bc_json_parse(wide.bytes, wide.length, "x", &flat, NULL), BERTC_OK);
    cJSON_Delete(flat);
    bc_text_clear(&wide);
    for (int depth = 62; depth <= 66; depth++) {
        char text[256];
        cJSON *tree = NULL;
        bertc_error err = {0};
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        bertc_status status = bc_json_parse(text, (size_t)depth * 2, "x", &tree, &err);
        assert_int_equal(status, depth <= BC_JSON_DEPTH ? BERTC_OK : BERTC_INPUT);
        if (status != BERTC_OK) assert_string_equal(err.message, "x @64: nested deeper than 64");
        cJSON_Delete(tree);
    }
}

/* Many names must not make the check slow: quadratic time would be minutes here. */
static void test_many_names(void **state)
{
    (void)state;
    enum { NAMES = 300000, WIDTH = 11 };
    bc_text text = {0};
    cJSON *tree = NULL;
    bertc_error err = {0};
    for (int i = 0; i < NAMES; i++) bc_text_printf(&text, "%c\"%06d\":0", i ? ',' : '{', i);
    bc_text_put(&text, "}", 1);
    assert_false(text.failed);
    assert_int_equal(bc_json_parse(text.bytes, text.length, "x", &tree, &err), BERTC_OK);
    cJSON_Delete(tree);
    tree = NULL;
    memcpy(text.bytes + 1 + 250000 * WIDTH, "\"000007\"", 8);
    assert_int_equal(bc_json_parse(text.bytes, text.length, "x", &tree, &err), BERTC_INPUT);
    assert_string_equal(err.message, "x @2750001: duplicate key");
    bc_text_clear(&text);
}

static double random_double(uint64_t index)
{
    bc_rng_block b = bc_rng(1, (uint32_t)index, 0, 0, 0);
    uint64_t bits = (uint64_t)b.word[0] << 32 | b.word[1];
    double value;
    if (index % 4 == 1) return (b.word[0] + 0.5) / 4294967296.0; /* what losses look like */
    if (index % 4 == 2) return (double)(int32_t)b.word[0] / 1000.0;
    if (index % 4 == 3) bits &= 0x800fffffffffffffu; /* subnormal */
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void expect_round_trip(double value)
{
    char text[BC_JSON_DOUBLE], shorter[64];
    cJSON *tree = NULL;
    bc_json_double(text, value);
    assert_int_equal(bc_json_parse(text, strlen(text), "x", &tree, NULL), BERTC_OK);
    assert_memory_equal(&tree->valuedouble, &value, sizeof value);
    cJSON_Delete(tree);
    /* no text with fewer digits reads back to the value */
    int digits = 0;
    for (const char *p = text; *p && *p != 'e'; p++) digits += *p >= '0' && *p <= '9';
    if (digits > 17 || digits < 2 || strstr(text, "0.0") || !strpbrk(text, ".e")) return;
    if (text[0] == '0' || text[1] == '0') digits--;
    snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
    assert_true(strtod(shorter, NULL) != value);
}

static void test_double(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},          {-0.0, "-0"},         {1, "1"},       {100, "100"},
        {30522, "30522"},  {0.1, "0.1"},         {1e-12, "1e-12"}, {2e-5, "2e-05"},
        {1e22, "1e+22"},   {5e-324, "5e-324"},   {0.30000000000000004, "0.30000000000000004"},
        {INFINITY, "null"}, {-INFINITY, "null"}, {NAN, "null"},  {-1.5, "-1.5"},
        {1e15, "1e+15"},   {999999999999999, "999999999999999"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    char text[BC_JSON_DOUBLE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bc_json_double(text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
    for (uint64_t i = 0; i < 100000; i++)
        if (isfinite(random_double(i))) expect_round_trip(random_double(i));
}

static void test_float(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.0f, "0"}, {-0.0f, "-0"}, {3.8f, "3.8"}, {-1.5f, "-1.5"}, {0.1f, "0.1"}, {1e10f, "1e+10"},
        {16777216, "16777216"}, {1e-45f, "1e-45"}, {NAN, "null"}, {INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bc_text text = {0};
        bc_json_put_float(&text, cases[i].value);
        assert_string_equal(text.bytes, cases[i].text);
        bc_text_clear(&text);
    }
    for (uint64_t i = 0; i < 100000; i++) {
        char shorter[32];
        double bits = random_double(i);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        bc_text text = {0};
        bc_json_put_float(&text, value);
        assert_true(strtof(text.bytes, NULL) == value && (float)strtod(text.bytes, NULL) == value);
        int digits = 0; /* no text with fewer digits reads back to the value */
        do snprintf(shorter, sizeof shorter, "%.*g", ++digits, (double)value);
        while (strtof(shorter, NULL) != value);
        assert_true(text.length <= strlen(shorter));
        bc_text_clear(&text);
    }
}

/* A locale with a decimal comma changes nothing. Skipped if none is installed. */
static void test_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++) found = setlocale(LC_ALL, names[i]);
    if (!found) skip();
    test_double(state);
    setlocale(LC_ALL, "C");
}

static void test_quote(void **state)
{
    (void)state;
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\xff\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bc_text quoted = {0};
        bc_text_quote(&quoted, cases[i].text);
        assert_string_equal(quoted.bytes, cases[i].quoted);
        bc_text_clear(&quoted);
    }
    bc_text bytes = {0};
    bc_text_quote_bytes(&bytes, "a\0\"b", 4);
    assert_string_equal(bytes.bytes, "\"a\\u0000\\\"b\"");
    bc_text_clear(&bytes);
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value; /* -99: refused */
        const char *message;
    } cases[] = {
        {"{}", 5, ""},
        {"{\"k\":null}", 5, ""},
        {"{\"K\":1}", 5, ""},
        {"{\"k\":7}", 7, ""},
        {"{\"k\":-10}", -10, ""},
        {"{\"k\":1e1}", 10, ""},
        {"{\"k\":11}", -99, "x: \"k\" is 11, expected a whole number from -10 to 10"},
        {"{\"k\":1.5}", -99, "x: \"k\" is 1.5, expected a whole number from -10 to 10"},
        {"{\"k\":1e300}", -99, "x: \"k\" is 1e+300, expected a whole number from -10 to 10"},
        {"{\"k\":\"7\"}", -99, "x: \"k\" is a string, expected a whole number from -10 to 10"},
        {"{\"k\":true}", -99, "x: \"k\" is true or false, expected a whole number from -10 to 10"},
        {"{\"k\":[7]}", -99, "x: \"k\" is an array, expected a whole number from -10 to 10"},
        {"{\"k\":{}}", -99, "x: \"k\" is an object, expected a whole number from -10 to 10"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *tree = NULL;
        bertc_error err = {0};
        int64_t value = 5;
        assert_int_equal(bc_json_parse(cases[i].text, strlen(cases[i].text), "x", &tree, &err), BERTC_OK);
        bertc_status status = bc_json_int(tree, "k", -10, 10, "x", &value, &err);
        assert_int_equal(status, cases[i].value == -99 ? BERTC_INPUT : BERTC_OK);
        assert_int_equal(value, cases[i].value == -99 ? 5 : cases[i].value);
        assert_string_equal(err.message, cases[i].message);
        cJSON_Delete(tree);
    }
}

static void test_span(void **state)
{
    (void)state;
    static const char text[] = " { \"a\" : 1e-12 , \"}\":[ 1,{\"b\":\",\"} ]\n,\"c\":\"x\\\"\"} ";
    static const char *const values[] = {"1e-12", "[ 1,{\"b\":\",\"} ]", "\"x\\\"\""};
    size_t at = 0, size, count = 0;
    const char *value;
    while (bc_json_span(text, sizeof text - 1, &at, &value, &size)) {
        assert_true(count < 3);
        assert_int_equal(size, strlen(values[count]));
        assert_memory_equal(value, values[count++], size);
    }
    assert_int_equal(count, 3);
    at = 0;
    assert_false(bc_json_span("{ }", 3, &at, &value, &size));
    at = 0;
    assert_false(bc_json_span("[1]", 3, &at, &value, &size));
}

static void test_read(void **state)
{
    (void)state;
    cJSON *tree = NULL;
    bertc_error err = {0};
    assert_int_equal(bc_file_write_in(&bc_working_dir, "base_json.tmp", "{\"a\":[1,2", 9, NULL, &err), BERTC_OK);
    assert_int_equal(bc_json_read("base_json.tmp", BC_FILE_SETTINGS, &tree, &err), BERTC_INPUT);
    assert_string_equal(err.message, "base_json.tmp @9: unexpected end");
    assert_int_equal(remove("base_json.tmp"), 0);
    assert_int_equal(bc_json_read("base_json.tmp", BC_FILE_SETTINGS, &tree, NULL), BERTC_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_accepted), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_many_names), cmocka_unit_test(test_double),   cmocka_unit_test(test_locale),
        cmocka_unit_test(test_quote),      cmocka_unit_test(test_int),      cmocka_unit_test(test_span),
        cmocka_unit_test(test_read),       cmocka_unit_test(test_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
