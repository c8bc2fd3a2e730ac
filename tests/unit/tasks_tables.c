/* Tables in each format, gzip data, and the tables of `datasets` for each GLUE task. */
#include <zlib.h>

#include "tasks/table.h"
#include "unit/tasks_help.h"

/* ---- Formats ------------------------------------------------------------------------------- */

/* List the header and the rows: "name|name;LINE:cell|cell;...", a cell without a text as "~"; after an error
 * "!MESSAGE". */
static void show(bc_table *table, bertc_status status, const bertc_error *err, char *out, size_t size)
{
    size_t at = 0;
    const bc_row *row = NULL;
    out[0] = '\0';
    const bc_header *header = table ? bc_table_header(table) : NULL;
    for (size_t i = 0; header && i < header->count; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%.*s", i ? "|" : "", (int)header->names[i].n,
                               header->names[i].at);
    while (status == BERTC_OK && (status = bc_table_next(table, &row)) == BERTC_OK && row) {
        at += (size_t)snprintf(out + at, size - at, ";%zu:", row->line);
        for (size_t i = 0; i < row->count && (!header->count || i < header->count); i++)
            at += (size_t)snprintf(out + at, size - at, "%s%.*s", i ? "|" : "",
                                   row->cells[i].at ? (int)row->cells[i].n : 1,
                                   row->cells[i].at ? row->cells[i].at : "~");
        if (header->count && row->count != header->count)
            at += (size_t)snprintf(out + at, size - at, "(%zu)", row->count);
    }
    if (status != BERTC_OK) snprintf(out + at, size - at, "!%s", err->message);
    assert_true(status == BERTC_OK || err->status == status);
}

/* Read `length` bytes, from a block of exactly that length, and compare what they hold. */
static void expect(bc_table_form form, const char *bytes, size_t length, const char *expected)
{
    char *exact = malloc(length ? length : 1), found[1024];
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    bc_table *table;
    bertc_error err = {0};
    bertc_status status = bc_table_of_bytes(exact, length, "f", form, &table, &err);
    show(table, status, &err, found, sizeof found);
    assert_string_equal(found, expected);
    bc_table_close(table);
    free(exact);
}

#define CSV(text, expected) expect((bc_table_form){BC_TABLE_CSV, true, false}, text, sizeof text - 1, expected)
#define TSV(text, expected) expect((bc_table_form){BC_TABLE_TSV, true, false}, text, sizeof text - 1, expected)
#define QUOTED(text, expected) expect((bc_table_form){BC_TABLE_QUOTED_TSV, true, false}, text, sizeof text - 1, expected)
#define JSON(text, expected) expect((bc_table_form){BC_TABLE_JSON, true, false}, text, sizeof text - 1, expected)

static void reads_csv(void **state)
{
    (void)state;
    CSV("a,b\n1,2\n", "a|b;2:1|2");
    CSV("\xEF\xBB\xBF" "a,b\r\n1,2\r\n\r\n3,", "a|b;2:1|2;4:3|");
    CSV("\"a\",\"b\"\n\"x, \"\"y\"\"\",\"\"\n", "a|b;2:x, \"y\"|");
    CSV("a,b\n\"one\ntwo\r\n\n\"\"three\",1\nfour,2\n", "a|b;2:one\ntwo\r\n\n\"three|1;6:four|2");
    CSV("a,b\n \tx , y\t\n\" x \",y\n", "a|b;2: \tx | y\t;3: x |y");
    CSV("a,b\n\"1\",\"2\"", "a|b;2:1|2");
    CSV("a\n\n\"\"\n\nx", "a;3:;5:x");
    CSV("a,b\n\"x\ry\",1\n", "a|b;2:x\ry|1");
    CSV("a,b\n1\n1,2,3\n", "a|b;2:1(1);3:1|2(3)");
    CSV("a,b\n\"1\"\n\"1\",2,3\n", "a|b;2:1(1);3:1|2(3)");
    CSV("a,b\n", "a|b");
    CSV("a,b\n\xff\xfe,\x80\n", "a|b;2:\xff\xfe|\x80");
    QUOTED("a\tb\n\"x\ty\"\t\"\"\"z\"\"\"\n", "a|b;2:x\ty|\"z\"");
    QUOTED("a\tb\nx,y\tz\n", "a|b;2:x,y|z");
}

static void refuses_csv(void **state)
{
    (void)state;
    CSV("", "!f: empty file");
    CSV("\n\r\n", "!f: empty file");
    CSV("a,b\nx,\"y\n\nz,1\n", "a|b!f:2:3: a quote that is not closed");
    CSV("a,b\n\"y\",\"", "a|b!f:2:5: a quote that is not closed");
    CSV("a,b\n\"\"\"q\"\"\n", "a|b!f:2:1: a quote that is not closed");
    CSV("a,b\n\"x\"y,1\n", "a|b!f:2:4: text after a closing quote");
    CSV("a,b\n1,\"x\ny\" z,1\n",
        "a|b!f:3:3: text after the closing quote of the field that begins at line 2, column 3");
    CSV("a,b\n\"1\n2\",\"x\"\"\ny\" z,1\n",
        "a|b!f:4:3: text after the closing quote of the field that begins at line 3, column 4");
    CSV("a,b\n1,x\"y\"\n", "a|b!f:2:4: a quote inside a field that does not begin with a quote");
    CSV("a,b\r1,2\r", "!f:1:4: a CR without LF outside quotes");
    CSV("a,b\n1,2\n\"x\",y\r3,4\n", "a|b;2:1|2!f:3:6: a CR without LF outside quotes");
    CSV("a,A \n1,2\n", "!f:1: two columns of the header are named \"A\"");
    CSV("\xff\xfe" "a", "!f: UTF-16 text, expected UTF-8");
}

static void reads_tsv(void **state)
{
    (void)state;
    TSV("a\tb\n\"x\t\"y\"\n", "a|b;2:\"x|\"y\"");
    TSV("a\tb\r\n1\t2\r\n\r\n\n", "a|b;2:1|2");
    TSV("a\tb\n1\t2\n\n\r\n3\t4\n", "a|b;2:1|2;3:(1);4:(1);5:3|4");
    TSV("a\nx\n\n", "a;2:x;3:");
    TSV("a\tb\n1\n1\t2\t3\n", "a|b;2:1(1);3:1|2(3)");
    expect((bc_table_form){BC_TABLE_TSV, false, false}, "1\t2\n\n", 5, ";1:1|2");
    expect((bc_table_form){BC_TABLE_TSV, false, true}, "1\n\n", 3, ";1:1;2:");
    expect((bc_table_form){BC_TABLE_TSV, false, true}, "", 0, "");
}

static void reads_json_lines(void **state)
{
    (void)state;
    JSON("{\"a\": \"x\", \"b\": 1}\n{\"b\": 2.50, \"a\": \"\\u00e9\\n\"}\n", "a|b;1:x|1;2:\xc3\xa9\n|2.50");
    JSON("\xEF\xBB\xBF\n \n{\"a\":null,\"b\":true}\r\n\n{\"a\":\"\"}\n{\"b\":[1, {\"c\":2}]}",
         "a|b;3:~|true;5:|~;6:~|[1, {\"c\":2}]");
    JSON("{\"a\":1}\n{\"a\":2,\"z\":3}\n", "a;1:1;2:2");
}

static void refuses_json_lines(void **state)
{
    (void)state;
    JSON(" \n", "!f: empty file");
    JSON("\n\n", "!f: empty file");
    JSON("{\"a\":1}\n{\"a\":}\n", "a;1:1!f:2:6: value expected");
    JSON("{\"a\":1}\n{\"a\":2", "a;1:1!f:2:7: unexpected end");
    JSON("{\"a\":1} x\n", "!f:1:9: text after the end of the document");
    JSON("{\"a\":1,\"a\":2}\n", "!f:1:8: duplicate key");
    JSON("{\"a\":1,\"A\":2}\n", "!f:1: two columns of the header are named \"A\"");
    JSON("{\"a\":1}\n{\"a\":1,\"A\":2}\n", "a;1:1!f:2: two keys are named \"A\"");
    JSON("{\"a\":\"\xff\"}\n", "!f:1:7: invalid UTF-8");
    JSON("[{\"a\":1}]\n", "!f:1:1: an array, expected JSON lines: one object a line (pandas: to_json(..., "
                          "orient=\"records\", lines=True))");
    JSON("{\"a\":1}\n7\n", "a;1:1!f:2:1: not an object, expected JSON lines: one object a line");
    JSON("{}\n", "!f:1: an object of 0 keys, expected 1 to 65536");
}

/* A column that was asked for must not begin in a later row. */
static void late_keys_are_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":1}\n{\"a\":2,\"Label\":3}\n";
    bc_table *table;
    const bc_row *row;
    bertc_error err = {0};
    assert_int_equal(bc_table_of_bytes(text, sizeof text - 1, "f", (bc_table_form){BC_TABLE_JSON, true, false}, &table,
                                       &err), BERTC_OK);
    assert_true(bc_table_find(table, "label") == BC_NO_COLUMN);
    assert_int_equal(bc_table_find(table, "A"), 0);
    assert_int_equal(bc_table_next(table, &row), BERTC_OK);
    assert_int_equal(bc_table_next(table, &row), BERTC_INPUT);
    assert_string_equal(err.message, "f:2: the key \"label\", which the first object lacks");
    bc_table_close(table);
}

static void formats_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bc_table_format format;
    } cases[] = {{"a/x.csv", BC_TABLE_CSV}, {"x.tsv", BC_TABLE_TSV}, {"x.jsonl.gz", BC_TABLE_JSON},
                 {"x.json", BC_TABLE_JSON}, {"x.csv.gz", BC_TABLE_CSV}, {"x.txt", BC_TABLE_FORMATS},
                 {"csv", BC_TABLE_FORMATS}, {"x.gz", BC_TABLE_FORMATS}, {"x.parquet", BC_TABLE_FORMATS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(bc_table_format_of(cases[i].path), cases[i].format);
}

/* ---- Files --------------------------------------------------------------------------------- */

static void put_bytes(const char *path, const char *bytes, size_t length)
{
    FILE *to = fopen(path, "wb"); /* not flushed to the disk: the tests write thousands of files */
    assert_non_null(to);
    assert_int_equal(fwrite(bytes, 1, length, to), length);
    assert_int_equal(fclose(to), 0);
}

/* Append a text to `out` as a gzip member; returns the number of bytes. */
static size_t compress_text(const char *text, size_t length, unsigned char *out, size_t size)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)length, .next_out = out,
                       .avail_out = (uInt)size};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return size - stream.avail_out;
}

static void read_file(const char *path, bc_table_format format, char *found, size_t size)
{
    bc_table *table;
    bertc_error err = {0};
    bertc_status status = bc_table_open(path, (bc_table_form){format, true, false}, &table, &err);
    show(table, status, &err, found, size);
    if (table && status == BERTC_OK) assert_int_equal(bc_table_check(table), BERTC_OK);
    bc_table_close(table);
}

static void reads_gzip(void **state)
{
    (void)state;
    char folder[64], path[80], found[1024], expected[256];
    unsigned char bytes[512];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/x.csv", folder); /* the name does not matter */
    size_t first = compress_text("a,b\n1,\"x", 8, bytes, sizeof bytes);
    size_t n = first + compress_text("y\"\n\n", 4, bytes + first, sizeof bytes - first);
    put_bytes(path, (const char *)bytes, n);
    read_file(path, BC_TABLE_CSV, found, sizeof found);
    assert_string_equal(found, "a|b;2:1|xy");
    put_bytes(path, (const char *)bytes, n - 1);
    read_file(path, BC_TABLE_CSV, found, sizeof found);
    snprintf(expected, sizeof expected, "!%s: byte %zu: the gzip data are cut off", path, n - 1);
    assert_string_equal(found, expected);
    bytes[n - 6] ^= 1; /* the checksum */
    put_bytes(path, (const char *)bytes, n);
    read_file(path, BC_TABLE_CSV, found, sizeof found);
    assert_non_null(strstr(found, ": the gzip data are damaged"));
    bytes[n - 6] ^= 1;
    memcpy(bytes + n, "x", 1);
    put_bytes(path, (const char *)bytes, n + 1);
    read_file(path, BC_TABLE_CSV, found, sizeof found);
    assert_non_null(strstr(found, ": the gzip data are"));
    n = compress_text("", 0, bytes, sizeof bytes);
    put_bytes(path, (const char *)bytes, n);
    read_file(path, BC_TABLE_CSV, found, sizeof found);
    snprintf(expected, sizeof expected, "!%s: empty file", path);
    assert_string_equal(found, expected);
    n = compress_text("PAR1\x15\4\x15", 7, bytes, sizeof bytes);
    put_bytes(path, (const char *)bytes, n);
    read_file(path, BC_TABLE_CSV, found, sizeof found);
    assert_non_null(strstr(found, "a Parquet file"));
    remove_folder(folder);
}

static void other_kinds_are_stated(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *what;
    } cases[] = {
#define CASE(text, what) {text, sizeof text - 1, what}
        CASE("PAR1\x15\4\x15\x10", "a Parquet file (pandas.read_parquet(FILE).to_csv(OUT, index=False) makes a table of it)"),
        CASE("ARROW1\0\0", "an Arrow file (datasets.Dataset.from_file(FILE).to_csv(OUT) makes a table of it)"),
        CASE("\xff\xff\xff\xff\x10\1\0\0\x10", "an Arrow stream (datasets.Dataset.from_file(FILE).to_csv(OUT) makes a "
                                             "table of it)"),
        CASE("PK\3\4\24\0\0\0\10\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\23\0\0\0[Content_Types].xml",
             "an Office document, such as an Excel workbook (save it as CSV, or "
             "pandas.read_excel(FILE).to_csv(OUT, index=False) makes a table of it)"),
        CASE("PK\3\4\24\0\0\0\10\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\11\0\0\0train.tsv", "a zip archive"),
        CASE("<html>", "a web page (HTML) that begins with \"<html>\""),
#undef CASE
    };
    char folder[64], path[80], found[1024], expected[512];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/x.csv", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_bytes(path, cases[i].bytes, cases[i].length);
        read_file(path, BC_TABLE_CSV, found, sizeof found);
        snprintf(expected, sizeof expected, "!%s: %s, not a table of text (CSV, TSV or JSON lines)", path,
                 cases[i].what);
        assert_string_equal(found, expected);
    }
    remove_folder(folder);
}

/* A table longer than a piece of the file, of fields that are longer too. */
static void reads_across_pieces(void **state)
{
    (void)state;
    enum { ROWS = 300, LONGEST = 9973 };
    char folder[64], path[80];
    make_folder(folder);
    for (int compressed = 0; compressed < 2; compressed++) {
        snprintf(path, sizeof path, "%s/x.csv", folder);
        gzFile to = gzopen(path, compressed ? "wb1" : "wbT");
        assert_non_null(to);
        gzprintf(to, "a,b\r\n");
        for (size_t i = 0; i < ROWS; i++) {
            gzputs(to, i % 3 ? "\"" : "");
            for (size_t k = 0; k < i * 6007 % LONGEST; k++) gzputs(to, i % 3 == 1 ? "x\r\n" : i % 3 ? "\"\"," : "yz");
            gzprintf(to, "%s,%zu\r\n", i % 3 ? "\"" : "", i);
        }
        assert_int_equal(gzclose(to), Z_OK);
        bc_table *table;
        const bc_row *row;
        bertc_error err = {0};
        assert_int_equal(bc_table_open(path, (bc_table_form){BC_TABLE_CSV, true, false}, &table, &err), BERTC_OK);
        for (size_t i = 0, line = 2; i < ROWS; i++) {
            assert_int_equal(bc_table_next(table, &row), BERTC_OK);
            assert_non_null(row);
            assert_int_equal(row->count, 2);
            assert_int_equal(row->line, line);
            size_t n = i * 6007 % LONGEST, one = i % 3 == 1 ? 3 : 2;
            assert_int_equal(row->cells[0].n, n * one);
            for (size_t k = 0; k < n; k++)
                assert_memory_equal(row->cells[0].at + k * one, i % 3 == 1 ? "x\r\n" : i % 3 ? "\"," : "yz", one);
            assert_int_equal(strtoul(row->cells[1].at, NULL, 10), i);
            line += 1 + (i % 3 == 1 ? n : 0);
        }
        assert_int_equal(bc_table_next(table, &row), BERTC_OK);
        assert_null(row);
        bc_table_close(table);
    }
    remove_folder(folder);
}

/* A line or a row of more than 64 MB is refused before it is in memory. */
static void long_rows_are_refused(void **state)
{
    (void)state;
    enum { MB = 1 << 20 };
    static char block[MB];
    char folder[64], path[80], found[256], expected[256];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/x.csv.gz", folder);
    for (int lines = 0; lines < 2; lines++) {
        memset(block, 'x', sizeof block);
        if (lines) block[MB - 1] = '\n';
        gzFile to = gzopen(path, "wb1");
        assert_non_null(to);
        gzprintf(to, "a,b\n1,\"");
        for (int i = 0; i < 66; i++) assert_int_equal(gzwrite(to, block, MB), MB);
        assert_int_equal(gzclose(to), Z_OK);
        read_file(path, BC_TABLE_CSV, found, sizeof found);
        snprintf(expected, sizeof expected, "a|b!%s:2%s bytes%s", path,
                 lines ? ":3: a row of more than 67108864" : ": a line of more than 67108864",
                 lines ? " in which this quote is not closed" : "");
        assert_string_equal(found, expected);
    }
    remove_folder(folder);
}

/* ---- Damage -------------------------------------------------------------------------------- */

/* Read all rows of `length` bytes; the result is a table or one line that begins with the path. */
static void read_damaged(bc_table_format format, const char *bytes, size_t length, const char *path)
{
    bc_table *table;
    const bc_row *row = NULL;
    bertc_error err = {0};
    char *exact = NULL;
    bc_table_form form = {format, true, false};
    if (path) {
        put_bytes(path, bytes, length);
    } else {
        exact = malloc(length ? length : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, length);
    }
    bertc_status status = exact ? bc_table_of_bytes(exact, length, "f", form, &table, &err)
                                : bc_table_open(path, form, &table, &err);
    size_t sum = 0;
    while (status == BERTC_OK && (status = bc_table_next(table, &row)) == BERTC_OK && row)
        for (size_t i = 0; i < row->count && i < bc_table_header(table)->count; i++)
            for (size_t k = 0; k < row->cells[i].n; k++) sum += (unsigned char)row->cells[i].at[k];
    if (status != BERTC_OK) {
        assert_int_equal(status, BERTC_INPUT);
        const char *prefix = path ? path : "f";
        assert_int_equal(strncmp(err.message, prefix, strlen(prefix)), 0);
        assert_null(strchr(err.message, '\n'));
    }
    assert_true(sum < SIZE_MAX);
    bc_table_close(table);
    free(exact);
}

/* Cut the file at each byte, and replace each byte by other bytes. */
static void damage(bc_table_format format, const char *bytes, size_t length, const char *path)
{
    static const char others[] = {0, '"', '\n', '\r', ',', '\t', '\\', '{', '}', '\x80', '\xff'};
    char *changed = malloc(length);
    assert_non_null(changed);
    memcpy(changed, bytes, length);
    for (size_t at = 0; at < length; at++) {
        read_damaged(format, bytes, at, path);
        size_t count = path ? 1 : sizeof others; /* files are slow, and bytes of gzip data are all alike */
        for (size_t i = 0; i <= count; i++) {
            changed[at] = i < count ? others[i] : (char)(bytes[at] ^ 1);
            read_damaged(format, changed, length, path);
        }
        changed[at] = bytes[at];
    }
    free(changed);
}

static void damaged_at_every_byte(void **state)
{
    (void)state;
    static const char csv[] = "\xEF\xBB\xBFidx,sentence,label\r\n0,\"one, \"\"two\"\"\r\nthree\",1\r\n1,plain,0\n2,\"\",-1";
    static const char tsv[] = "idx\tsentence\tlabel\n0\t\"one \"\"two\"\"\nthree\"\t1\r\n\n1\tplain\t0\n\n";
    static const char jsonl[] = "{\"idx\": 0, \"sentence\": \"a \\u00e9\\ud83d\\ude00 \xc3\xa9\", \"label\": -1.5e3}\n\n"
                                "{\"label\": null, \"idx\": [1, true], \"x\": {\"y\": \"z\"}}\n";
    unsigned char gzip[512];
    char folder[64], path[80];
    damage(BC_TABLE_CSV, csv, sizeof csv - 1, NULL);
    damage(BC_TABLE_QUOTED_TSV, tsv, sizeof tsv - 1, NULL);
    damage(BC_TABLE_TSV, tsv, sizeof tsv - 1, NULL);
    damage(BC_TABLE_JSON, jsonl, sizeof jsonl - 1, NULL);
    make_folder(folder);
    snprintf(path, sizeof path, "%s/x", folder);
    damage(BC_TABLE_CSV, (const char *)gzip, compress_text(csv, sizeof csv - 1, gzip, sizeof gzip), path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_csv),
        cmocka_unit_test(refuses_csv),
        cmocka_unit_test(reads_tsv),
        cmocka_unit_test(reads_json_lines),
        cmocka_unit_test(refuses_json_lines),
        cmocka_unit_test(late_keys_are_refused),
        cmocka_unit_test(formats_by_name),
        cmocka_unit_test(reads_gzip),
        cmocka_unit_test(other_kinds_are_stated),
        cmocka_unit_test(reads_across_pieces),
        cmocka_unit_test(long_rows_are_refused),
        cmocka_unit_test(damaged_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
