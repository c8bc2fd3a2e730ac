/* Vocabularies: ids are line numbers, the later of two equal words wins, bad files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bertc/vocab.h"
#include "vocab/vocab.h"

#define TEXT(t) t, sizeof t - 1

static bertc_vocab *parse(const char *text, size_t length)
{
    bertc_vocab *vocab = NULL;
    bertc_error err = {0};
    bertc_status status = bertc_vocab_parse(text, length, "v", &vocab, &err);
    if (status) fail_msg("%s", err.message);
    return vocab;
}

static int32_t id_of(const bertc_vocab *vocab, const char *word)
{
    return bertc_vocab_id(vocab, word, strlen(word));
}

static void assert_word(const bertc_vocab *vocab, int32_t id, const char *expected)
{
    size_t length;
    const char *word = bertc_vocab_word(vocab, id, &length);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(word, expected, length);
}

static void test_lines(void **state)
{
    (void)state;
    static const char text[] = "[PAD]\n[UNK]\r\n\na b\na\t\n##a \n \xC3\xA9\xC2\xA0\nlast";
    bertc_vocab *vocab = parse(TEXT(text));
    assert_int_equal(bertc_vocab_size(vocab), 8);
    assert_int_equal(id_of(vocab, "[UNK]"), 1);
    assert_int_equal(id_of(vocab, ""), 2);
    assert_int_equal(id_of(vocab, "a b"), 3);
    assert_int_equal(id_of(vocab, "a"), 4);
    assert_int_equal(id_of(vocab, "##a"), 5);
    assert_int_equal(id_of(vocab, " \xC3\xA9"), 6); /* leading white space belongs to the word */
    assert_int_equal(id_of(vocab, "last"), 7);
    assert_int_equal(id_of(vocab, "lost"), -1);
    assert_int_equal(id_of(vocab, "las"), -1);
    assert_word(vocab, 1, "[UNK]");
    assert_word(vocab, 6, " \xC3\xA9");
    size_t length;
    assert_memory_equal(bertc_vocab_text(vocab, &length), text, sizeof text - 1);
    assert_int_equal(length, sizeof text - 1);
    bertc_vocab_free(vocab);
}

static void test_duplicates(void **state)
{
    (void)state;
    bertc_vocab *vocab = parse(TEXT("[UNK]\nx\n\ny\nx\n\n"));
    assert_int_equal(bertc_vocab_size(vocab), 6);
    assert_int_equal(id_of(vocab, "x"), 4);
    assert_int_equal(id_of(vocab, ""), 5);
    assert_word(vocab, 1, "x");
    assert_word(vocab, 4, "x");
    bertc_vocab_free(vocab);
}

static void test_specials(void **state)
{
    (void)state;
    bertc_vocab *vocab = parse(TEXT("[SEP]\nx\n[MASK]\n[UNK]\n[CLS]\n"));
    bertc_special_ids ids = bertc_vocab_specials(vocab);
    assert_int_equal(ids.sep, 0);
    assert_int_equal(ids.mask, 2);
    assert_int_equal(ids.unk, 3);
    assert_int_equal(ids.cls, 4);
    assert_int_equal(ids.pad, -1);
    bertc_vocab_free(vocab);
}

static void test_many(void **state)
{
    (void)state;
    enum { WORDS = 50000 };
    char *text = malloc(WORDS * 8 + 16), *to = text;
    assert_non_null(text);
    to += sprintf(to, "[UNK]\n");
    for (int i = 1; i < WORDS; i++) to += sprintf(to, "w%d\n", i);
    bertc_vocab *vocab = parse(text, (size_t)(to - text));
    for (int i = 1; i < WORDS; i++) {
        char word[16];
        snprintf(word, sizeof word, "w%d", i);
        assert_int_equal(id_of(vocab, word), i);
    }
    bertc_vocab_free(vocab);
    free(text);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        const char *message;
    } cases[] = {
        {TEXT(""), "v: the vocabulary is empty"},          {TEXT("[UNK]\nb\xFFx\n"), "v:2: not UTF-8"},
        {TEXT("[UNK]\nb\n\xE2\x82"), "v:3: not UTF-8"},    {TEXT("\xC0\x80[UNK]\n"), "v:1: not UTF-8"},
        {TEXT("[UNK]\n\xED\xA0\x80\n"), "v:2: not UTF-8"}, {TEXT("[UNK]\n\xF4\x90\x80\x80\n"), "v:2: not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bertc_error err = {0};
        bertc_vocab *vocab = (bertc_vocab *)(uintptr_t)1;
        assert_int_equal(bertc_vocab_parse(cases[i].text, cases[i].length, "v", &vocab, &err), BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(vocab);
    }
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void refuse_json(const char *path, const char *text, const char *message)
{
    bertc_error err = {0};
    bertc_vocab *vocab;
    put_file(path, text);
    assert_int_equal(bertc_vocab_load(path, &vocab, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, message));
}

/* If a directory has both files they must agree in words and ids. */
static void test_both_files(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *vocab, *added, *message; /* message null: they agree */
    } pairs[] = {
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"a\": 1, \"b\": 2", "", NULL},
        {"[UNK]\r\na\nb", "\"b\": 2, \"[UNK]\": 0, \"a\": 1", "", NULL},
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"a \": 1, \"b\": 2", "", NULL},
        {"[UNK]\na\n\na\n", "\"[UNK]\": 0, \"a\": 3", "", NULL},
        {"[UNK]\na\n[E]\nF\n", "\"[UNK]\": 0, \"a\": 1",
         "{\"id\": 3, \"content\": \"F\"}, {\"id\": 2, \"content\": \"[E]\"}", NULL},
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"b\": 1, \"a\": 2", "",
         "tokenizer.json: 2 of 3 words differ from vocab.txt; the first is id 1, \"b\" here and \"a\" in vocab.txt; "
         "remove the wrong file"},
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"a\": 1, \"B\": 2", "",
         "the first is id 2, \"B\" here and \"b\" in vocab.txt"},
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"a\": 1", "", "1 of 3 words differ from vocab.txt; the first is "
         "id 2, no word here and \"b\" in vocab.txt"},
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"a\": 1", "{\"id\": 3, \"content\": \"b\"}", "id 2, no word here"},
        {"[UNK]\na\nb\n", "\"[UNK]\": 0, \"b\": 2", "{\"id\": 1, \"content\": \"a\"}", "id 1, no word here"},
        {"[UNK]\na\n", "\"[UNK]\": 0, \"a\": 1, \"c\": 3, \"b\": 2", "",
         "tokenizer.json: 2 words more than in vocab.txt; the first is id 2, \"b\"; remove the wrong file"},
        {"[UNK]\na\n", "\"[UNK]\": 0, \"a\": -1", "", "\"a\" has no id"},
        {"[UNK]\na\n", "\"[UNK]\": 0, \"a\": 1e300", "", "\"a\" has no id"},
    };
    char folder[] = "vocab_XXXXXX", lines[64], json[64], text[512];
    assert_non_null(mkdtemp(folder));
    snprintf(lines, sizeof lines, "%s/vocab.txt", folder);
    snprintf(json, sizeof json, "%s/tokenizer.json", folder);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        bertc_error err = {0};
        bertc_vocab *vocab = NULL;
        put_file(lines, pairs[i].lines);
        snprintf(text, sizeof text, "{\"added_tokens\": [%s], \"model\": {\"vocab\": {%s}}}", pairs[i].added,
                 pairs[i].vocab);
        put_file(json, text);
        bertc_status status = bertc_vocab_load_dir(folder, &vocab, &err);
        assert_int_equal(status, pairs[i].message ? BERTC_INPUT : BERTC_OK);
        if (status && !strstr(err.message, pairs[i].message)) fail_msg("%s", err.message);
        if (status) assert_null(vocab);
        /* Added tokens are not words, whichever file has them. */
        if (!status && *pairs[i].added) assert_int_equal(bertc_vocab_size(vocab), 2);
        bertc_vocab_free(vocab);
        if (status || !*pairs[i].added) continue;
        unlink(lines);
        assert_int_equal(bertc_vocab_load_dir(folder, &vocab, NULL), BERTC_OK);
        assert_int_equal(bertc_vocab_size(vocab), 2);
        bertc_vocab_free(vocab);
    }
    unlink(lines);
    unlink(json);
    rmdir(folder);
}

/* Words are counted as in the reference. Not counted: a line that a later line repeats, and an id of a tokenizer.json
 * without a word, which is a blank line of a vocab.txt. */
static void test_distinct(void **state)
{
    (void)state;
    char folder[] = "vocab_XXXXXX", lines[64], json[64];
    bertc_vocab *vocab = parse(TEXT("[UNK]\na\n\na\n\nb\n"));
    assert_int_equal(bc_vocab_distinct(vocab), 4);
    bertc_vocab_free(vocab);
    assert_non_null(mkdtemp(folder));
    snprintf(lines, sizeof lines, "%s/vocab.txt", folder);
    snprintf(json, sizeof json, "%s/tokenizer.json", folder);
    put_file(lines, "[UNK]\na\n\nb\n");
    put_file(json, "{\"model\": {\"vocab\": {\"[UNK]\": 0, \"a\": 1, \"b\": 3}}}");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bertc_vocab_load_dir(folder, &vocab, NULL), BERTC_OK);
        assert_int_equal(bertc_vocab_size(vocab), 4);
        assert_int_equal(bc_vocab_distinct(vocab), 3);
        bertc_vocab_free(vocab);
        unlink(lines); /* again, without vocab.txt */
    }
    unlink(json);
    rmdir(folder);
}

/* A tokenizer.json of another type than WordPiece is refused, with and without a vocab.txt. */
static void test_other_models(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } others[] = {
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", -1.5]]}}",
         "the tokenizer has type Unigram, expected"},
        {"{\"model\": {\"vocab\": [[\"a\", -1.5]]}}", "has type Unigram"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}", "has type BPE"},
        {"{\"model\": {\"vocab\": {\"[UNK]\": 0}, \"merges\": []}}", "has type BPE"},
        {"{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"[UNK]\": 0}}}", "has type WordLevel"},
        {"{\"hidden_size\": 8}", "no \"model\": this is not a tokenizer.json"},
        {"[]", "no \"model\": this is not a tokenizer.json"},
        {"{\"model\": {\"type\": \"WordPiece\", \"vocab\": [\"a\"]}}", "model.vocab is not an object of words"},
    };
    char folder[] = "vocab_XXXXXX", lines[64], json[64];
    assert_non_null(mkdtemp(folder));
    snprintf(lines, sizeof lines, "%s/vocab.txt", folder);
    snprintf(json, sizeof json, "%s/tokenizer.json", folder);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        bertc_error err = {0};
        bertc_vocab *vocab;
        refuse_json(json, others[i].json, others[i].message);
        put_file(lines, "[UNK]\n");
        assert_int_equal(bertc_vocab_load_dir(folder, &vocab, &err), BERTC_INPUT);
        if (!strstr(err.message, others[i].message)) fail_msg("%s", err.message);
        unlink(lines);
    }
    unlink(json);
    rmdir(folder);
}

static void test_json(void **state)
{
    (void)state;
    static const char lines[] = "[UNK]\n\xC3\xA9\n\nb\n[E1]\n";
    char folder[] = "vocab_XXXXXX", path[64], absent[64];
    bertc_error err = {0};
    bertc_vocab *vocab = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    snprintf(absent, sizeof absent, "%s/vocab.txt", folder);
    assert_int_equal(bertc_vocab_load(absent, &vocab, &err), BERTC_INPUT);
    put_file(path, "{\"model\": {\"vocab\": {\"b\": 3, \"[UNK]\": 0, \"\\u00e9\": 1}},"
                   " \"added_tokens\": [{\"id\": 4, \"content\": \"[E1]\"},"
                   " {\"id\": 0, \"content\": \"[UNK]\"}]}");
    /* By the path of the file, and by the path of the absent vocab.txt. */
    for (int beside = 0; beside < 2; beside++) {
        size_t length;
        assert_int_equal(bertc_vocab_load(beside ? absent : path, &vocab, NULL), BERTC_OK);
        assert_memory_equal(bertc_vocab_text(vocab, &length), lines, sizeof lines - 1);
        assert_int_equal(length, sizeof lines - 1);
        assert_int_equal(bertc_vocab_size(vocab), 5);
        assert_int_equal(id_of(vocab, "[E1]"), 4);
        bertc_vocab_free(vocab);
    }
    refuse_json(path, "{\"model\": {}}", "model.vocab is not an object of words");
    refuse_json(path, "{\"model\": {\"vocab\": {\"[UNK]\": 9}}}", "the id of \"[UNK]\" is missing or is not below");
    refuse_json(path, "{\"model\": {\"vocab\": {\"[UNK]\": 0.5}}}", "the id of \"[UNK]\" is missing or is not below");
    refuse_json(path, "{\"model\": {\"vocab\": {\"a\": 0, \"[UNK]\": 0}}}", "both have id 0");
    refuse_json(path, "{\"model\": {\"vocab\": {\"[UNK]\": 0, \"a \": 1}}}", "ends in white space");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),      cmocka_unit_test(test_duplicates),   cmocka_unit_test(test_specials),
        cmocka_unit_test(test_many),       cmocka_unit_test(test_refused),      cmocka_unit_test(test_json),
        cmocka_unit_test(test_both_files), cmocka_unit_test(test_other_models), cmocka_unit_test(test_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
