/* tokenizer_config.json and tokenizer.json: the settings that are read, with the precedence of AutoTokenizer, and those
 * that are refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/tokenizer_help.h"

enum { FILES = 5 };
static const char *const names[FILES] = {"tokenizer_config.json", "config.json", "tokenizer.json",
                                         "special_tokens_map.json", "added_tokens.json"};
static char folder[] = "options_XXXXXX";

/* Write the files (null: absent), read them, remove them. */
static bertc_status adapter_files(const char *const texts[FILES], bertc_tokenizer_options *options, bertc_error *err)
{
    char path[64];
    for (int i = 0; i < FILES; i++) {
        if (!texts[i]) continue;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(texts[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    bertc_status status = bertc_tokenizer_read_options(folder, options, err);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return status;
}

static bertc_status read_files(const char *const texts[FILES], bertc_tokenizer_options *options, bertc_error *err)
{
    *options = bertc_tokenizer_defaults();
    return adapter_files(texts, options, err);
}

static bertc_tokenizer_options accept(const char *config, const char *model, const char *json)
{
    bertc_tokenizer_options options;
    bertc_error err = {0};
    const char *texts[FILES] = {config, model, json};
    if (read_files(texts, &options, &err)) fail_msg("%s", err.message);
    return options;
}

static void refuse(const char *config, const char *json, const char *message)
{
    bertc_tokenizer_options options, defaults = bertc_tokenizer_defaults();
    bertc_error err = {0};
    const char *texts[FILES] = {config, NULL, json};
    assert_int_equal(read_files(texts, &options, &err), BERTC_INPUT);
    if (!strstr(err.message, message)) fail_msg("%s", err.message);
    assert_memory_equal(&options, &defaults, sizeof options);
}

#define BERT "{\"model_type\": \"bert\"}"
#define GENERIC "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}"
#define PIECE(kind, id, type) "{\"" kind "\": {\"id\": \"" id "\", \"type_id\": " type "}}"
#define SINGLE                                                              \
    PIECE("SpecialToken", "[CLS]", "0") "," PIECE("Sequence", "A", "0") "," \
        PIECE("SpecialToken", "[SEP]", "0")
#define TEMPLATE                                                            \
    "\"single\": [" SINGLE "], \"pair\": [" SINGLE                          \
    "," PIECE("Sequence", "B", "1") "," PIECE("SpecialToken", "[SEP]", "1") "]"
#define JSON(normalizer, model, added)                                                       \
    "{\"normalizer\": {\"type\": \"BertNormalizer\"" normalizer "},"                         \
    " \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},"                                  \
    " \"post_processor\": {\"type\": \"TemplateProcessing\"," TEMPLATE "},"                \
    " \"added_tokens\": [" added "],"                                                       \
    " \"model\": {\"type\": \"WordPiece\"" model "}}"

static void test_config(void **state)
{
    (void)state;
    bertc_tokenizer_options o = accept(NULL, NULL, NULL);
    assert_true(o.do_lower_case && o.tokenize_chinese_chars && o.strip_accents == -1);
    o = accept("{\"do_lower_case\": false, \"model_max_length\": 512}", BERT, NULL);
    assert_false(o.do_lower_case);
    assert_int_equal(o.model_max_length, 512);
    o = accept("{\"strip_accents\": true, \"tokenize_chinese_chars\": false}", BERT, NULL);
    assert_true(o.do_lower_case && !o.tokenize_chinese_chars && o.strip_accents == 1);
    o = accept("{\"strip_accents\": null, \"do_lower_case\": null}", BERT, NULL);
    assert_true(o.do_lower_case && o.strip_accents == -1);
    assert_int_equal(accept("{\"strip_accents\": false}", BERT, NULL).strip_accents, 0);
}

static void test_length(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        int32_t length;
    } cases[] = {
        {"{}", 0},
        {"{\"model_max_length\": null}", 0},
        {"{\"model_max_length\": 128.0}", 128},
        {"{\"model_max_length\": 1e30}", 0},
        {"{\"model_max_length\": 1000000000000000019884624838656}", 0},
        {"{\"max_len\": 77}", 77},
        {"{\"max_len\": 77, \"model_max_length\": 88}", 88},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(accept(cases[i].config, BERT, NULL).model_max_length, cases[i].length);
    refuse("{\"model_max_length\": 0}", NULL, "model_max_length is not a length of at least 1");
    refuse("{\"model_max_length\": \"512\"}", NULL, "model_max_length is not a length of at least 1");
}

/* A BERT class reads tokenizer_config.json, a generic class reads tokenizer.json. */
static void test_precedence(void **state)
{
    (void)state;
    static const char json[] = JSON(", \"lowercase\": false, \"clean_text\": false, \"handle_chinese_chars\": false,"
                                    " \"strip_accents\": true",
                                    ", \"max_input_chars_per_word\": 7, \"continuing_subword_prefix\": \"@@\"", "");
    static const char *const bert_class[] = {NULL, "{}", "{\"tokenizer_class\": \"BertTokenizer\"}",
                                             "{\"tokenizer_class\": \"BertTokenizerFast\"}",
                                             "{\"tokenizer_class\": \"DistilBertTokenizer\"}"};
    for (size_t i = 0; i < sizeof bert_class / sizeof *bert_class; i++) {
        bertc_tokenizer_options o = accept(bert_class[i], BERT, json);
        assert_true(o.do_lower_case && o.clean_text && o.tokenize_chinese_chars);
        assert_int_equal(o.strip_accents, -1);
        assert_int_equal(o.max_word_chars, 0);
        assert_string_equal(o.prefix, "##");
    }
    static const char *const generic[] = {
        GENERIC, "{\"tokenizer_class\": \"TokenizersBackend\", \"do_lower_case\": true}"};
    for (size_t i = 0; i < 3; i++) {
        bertc_tokenizer_options o = accept(i < 2 ? generic[i] : NULL, i < 2 ? BERT : NULL, json);
        assert_false(o.do_lower_case || o.clean_text || o.tokenize_chinese_chars);
        assert_int_equal(o.strip_accents, 1);
        assert_int_equal(o.max_word_chars, 7);
        assert_string_equal(o.prefix, "@@");
    }
    assert_false(accept("{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": false}", NULL,
                        JSON(", \"lowercase\": true", "", ""))
                     .do_lower_case);
}

#define ADDED(id, text, more) "{\"id\": " #id ", \"content\": \"" text "\"" more "}"

static const bertc_added_token *find(const bertc_tokenizer_options *o, const char *text)
{
    for (int32_t i = 0; i < o->added_count; i++)
        if (strcmp(o->added[i].text, text) == 0) return &o->added[i];
    fail_msg("no token %s", text);
    return NULL;
}

static void test_added(void **state)
{
    (void)state;
    static const char config[] = "{\"added_tokens_decoder\": {\"0\": {\"content\": \"[PAD]\", \"special\": true},"
                                 " \"9\": {\"content\": \"[E1]\", \"special\": true, \"normalized\": false}},"
                                 " \"additional_special_tokens\": [\"[E1]\", {\"content\": \"<x>\"}]}";
    bertc_tokenizer_options o =
        accept(config, BERT, JSON("", "", ADDED(0, "[PAD]", "") "," ADDED(9, "[E1]", ", \"lstrip\": true")));
    assert_int_equal(o.added_count, 7); /* with the five special tokens */
    assert_string_equal(o.added[0].text, "[PAD]");
    assert_int_equal(o.added[0].id, 0);
    assert_string_equal(o.added[1].text, "[E1]");
    assert_int_equal(o.added[1].id, 9);
    assert_false(o.added[1].lstrip); /* from the first file */
    assert_string_equal(o.added[6].text, "<x>");
    assert_int_equal(o.added[6].id, -1);
    assert_true(o.added[6].normalized);
    static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n[e]\nx\n";
    strcpy(o.added[6].text, "[e]"); /* a word of the vocabulary */
    tokens t = tokens_open(words, sizeof words - 1, &o);
    assert_int_equal(tokens_encode(&t, "a[E1]b [e]", 10, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 6);
    assert_int_equal(t.encoding.ids[2], 9);
    assert_int_equal(t.encoding.ids[4], 7);
    tokens_close(&t);
}

/* Flags are read from every place that can declare a token. */
static void test_flags(void **state)
{
    (void)state;
#define FLAGGED "\"content\": \"[MASK]\", \"normalized\": true, \"single_word\": true"
    static const char plain[] = "{\"mask_token\": \"[MASK]\"}";
    const char *const files[][FILES] = {
        {"{\"mask_token\": {" FLAGGED ", \"__type\": \"AddedToken\"}}", BERT},
        {plain, BERT, NULL, "{\"mask_token\": {" FLAGGED "}}"},
        {"{\"mask_token\": \"[MASK]\", \"added_tokens_decoder\": {\"4\": {" FLAGGED "}}}", BERT},
        {plain, BERT, JSON("", "", "{\"id\": 4, " FLAGGED "}")},
        {GENERIC, BERT, JSON("", "", "{\"id\": 4, " FLAGGED "}")},
        {"{\"extra_special_tokens\": [{" FLAGGED "}]}", BERT},
        {plain, BERT, NULL, "{\"extra_special_tokens\": [{" FLAGGED "}]}"},
        {"{\"image_token\": {" FLAGGED "}}", BERT},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        bertc_tokenizer_options o;
        bertc_error err = {0};
        if (read_files(files[i], &o, &err)) fail_msg("%s", err.message);
        const bertc_added_token *mask = find(&o, "[MASK]");
        if (!mask->normalized || !mask->single_word || mask->lstrip || mask->rstrip) fail_msg("flags of place %zu", i);
    }
    /* If two declarations differ, the declaration with an id takes precedence. */
    bertc_tokenizer_options o = accept("{\"mask_token\": {" FLAGGED "}, \"added_tokens_decoder\":"
                                       " {\"4\": {\"content\": \"[MASK]\", \"rstrip\": true}}}", BERT, NULL);
    assert_true(find(&o, "[MASK]")->rstrip);
    assert_false(find(&o, "[MASK]")->single_word || find(&o, "[MASK]")->normalized);
    /* A token without a name is normalised by default. */
    o = accept("{\"added_tokens_decoder\": {\"9\": {\"content\": \"x\"}}}", BERT, NULL);
    assert_true(find(&o, "x")->normalized);
#undef FLAGGED
}

/* A name may be null if the model does not need the token. */
static void test_null_names(void **state)
{
    (void)state;
    bertc_tokenizer_options o = accept("{\"mask_token\": null, \"pad_token\": null}", BERT, NULL);
    assert_int_equal(o.added_count, 3);
    assert_string_equal(o.special[BERTC_MASK], "");
    static const char words[] = "[UNK]\n[CLS]\n[SEP]\n\n[\n]\nmask\n";
    tokens t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "[MASK]", 6, "[ mask ]");
    tokens_close(&t);
    refuse("{\"cls_token\": null}", NULL, "tokenizer_config.json: cls_token is null");
}

/* Files that give tokens different ids are errors. */
static void test_numbers(void **state)
{
    (void)state;
    refuse("{\"added_tokens_decoder\": {\"9\": {\"content\": \"<k>\"}}}", JSON("", "", ADDED(9, "<j>", "")),
           "tokenizer.json: the added token \"<j>\" has id 9, but in ");
    refuse("{\"added_tokens_decoder\": {\"8\": {\"content\": \"<j>\"}}}", JSON("", "", ADDED(9, "<j>", "")),
           "tokenizer_config.json it has 8");
    bertc_tokenizer_options o;
    bertc_error err = {0};
    const char *texts[FILES] = {NULL, BERT, JSON("", "", ADDED(9, "<j>", "")), NULL, "{\"<k>\": 9}"};
    assert_int_equal(read_files(texts, &o, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "added_tokens.json \"<k>\" has 9"));
}

/* Of overlapping tokens the leftmost is found, and there the longest. */
static void test_longest(void **state)
{
    (void)state;
    static const char words[] = "[UNK]\n[CLS]\n[SEP]\n<a>\n<a><b>\n<b>\na\n";
    bertc_tokenizer_options o = bertc_tokenizer_defaults();
    o.added_count = 3;
    o.added[0] = (bertc_added_token){.text = "<a>", .id = -1};
    o.added[1] = (bertc_added_token){.text = "<a><b>", .id = -1};
    o.added[2] = (bertc_added_token){.text = "<b>", .id = -1};
    tokens t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "<a><b><a>a<b>", 13, "<a><b> <a> a <b>");
    tokens_close(&t);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("{\"do_lower_case\": 1}", NULL, "do_lower_case is neither true nor false");
    refuse("{\"strip_accents\": \"x\"}", NULL, "strip_accents is neither true nor false");
    refuse("{\"cls_token\": 1}", NULL, "cls_token is not the name of a token");
    refuse("{\"unk_token\": {\"lstrip\": false}}", NULL, "unk_token is not the name of a token");
    refuse("{\"sep_token\": \"0123456789012345678901234567890123456789012345678901234567890123\"}",
           NULL, "sep_token is longer than 59 bytes");
    refuse("{\"truncation_side\": \"left\"}", NULL, "truncation_side is \"left\"");
    refuse("{\"split_special_tokens\": true}", NULL, "split_special_tokens is not supported");
    refuse("{\"tokenizer_class\": \"RobertaTokenizer\"}", NULL,
           "tokenizer_class RobertaTokenizer is not BERT's WordPiece");
    refuse("{\"tokenizer_class\": \"BertJapaneseTokenizer\"}", NULL, "BertJapaneseTokenizer");
    refuse("[]", NULL, "not an object");
    refuse("{", NULL, "tokenizer_config.json @1");
    refuse("{\"added_tokens_decoder\": {\"x\": {\"content\": \"y\"}}}", NULL, "\"x\" is not a token id");
    refuse("{\"added_tokens_decoder\": [1]}", NULL, "added_tokens_decoder is not an object of tokens");
    refuse("{\"added_tokens_decoder\": \"x\"}", NULL, "added_tokens_decoder is not an object of tokens");
    refuse("{\"extra_special_tokens\": [1]}", NULL, "extra_special_tokens contains an entry that is not a token");
    refuse(NULL, JSON("", ", \"unk_token\": \"<unk>\"", ""), "unk_token is \"<unk>\"");
    refuse(NULL, JSON("", ", \"max_input_chars_per_word\": 0", ""), "max_input_chars_per_word");
    refuse(NULL, JSON("", ", \"continuing_subword_prefix\": \"0123456789abcdef\"", ""),
           "continuing_subword_prefix is longer than 15 bytes");
    refuse(NULL, "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {}}, \"added_tokens\": true}",
           "added_tokens is not a list of tokens");
    refuse(NULL, "{\"model\": {\"type\": \"BPE\"}}",
           "tokenizer.json: the tokenizer has type BPE, expected BERT's WordPiece");
    refuse(NULL, "{\"model\": {\"vocab\": [[\"a\", -1.5]]}}", "has type Unigram");
    refuse(NULL, "{}", "tokenizer.json: no \"model\": this is not a tokenizer.json");
    refuse(NULL, "{\"model\": {\"type\": \"WordPiece\"}, \"normalizer\": {\"type\": \"Sequence\"}}",
           "normalizer is Sequence, expected BertNormalizer");
    refuse(NULL, "{\"model\": {\"type\": \"WordPiece\"}}", "normalizer is missing");
    refuse(NULL,
           "{\"model\": {}, \"normalizer\": {\"type\": \"BertNormalizer\"},"
           " \"pre_tokenizer\": {\"type\": \"Whitespace\"}}",
           "pre_tokenizer is Whitespace");
    refuse(NULL, JSON(", \"lowercase\": 3", "", ""), "lowercase is neither true nor false");
}

/* The template of a generic class must be BERT's. */
static void test_template(void **state)
{
    (void)state;
    static const char *const others[] = {
        "\"single\": [" SINGLE "], \"pair\": [" SINGLE "," SINGLE "]",
        "\"single\": [" PIECE("Sequence", "A", "0") "], \"pair\": []", "\"single\": 3", "\"a\": 1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char json[2048];
        snprintf(json, sizeof json,
                 "{\"model\": {\"type\": \"WordPiece\"},"
                 " \"normalizer\": {\"type\": \"BertNormalizer\"},"
                 " \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},"
                 " \"post_processor\": {\"type\": \"TemplateProcessing\", %s}}",
                 others[i]);
        refuse(GENERIC, json, "post_processor is not [CLS] A [SEP] B [SEP]");
    }
}

/* special_tokens_map.json and added_tokens.json are used if the configuration lists no tokens. */
static void test_legacy_files(void **state)
{
    (void)state;
    bertc_tokenizer_options o;
    bertc_error err = {0};
    const char *texts[FILES] = {"{}", BERT, NULL,
                                "{\"cls_token\": {\"content\": \"[CLS]\"},"
                                " \"additional_special_tokens\": [\"[E1]\"]}",
                                "{\"[E1]\": 40, \"[CLS]\": 2}"};
    assert_int_equal(read_files(texts, &o, &err), BERTC_OK);
    assert_int_equal(find(&o, "[E1]")->id, 40);
    assert_true(find(&o, "[E1]")->normalized); /* the reference reads too late that it is special */
    assert_false(find(&o, "[CLS]")->normalized);
    texts[0] = "{\"additional_special_tokens\": [\"[E1]\"]}";
    assert_int_equal(read_files(texts, &o, &err), BERTC_OK);
    assert_false(find(&o, "[E1]")->normalized);
    texts[0] = "{\"added_tokens_decoder\": {}}";
    assert_int_equal(read_files(texts, &o, &err), BERTC_OK);
    assert_int_equal(o.added_count, 5);
}

static void test_names_of_special_tokens(void **state)
{
    (void)state;
    static const char words[] = "<pad>\n<unk>\n<s>\n</s>\n<mask>\na\nfilm\ngood\n[\n]\ncls\n<\n>\n";
    static const int32_t want[] = {2, 7, 2, 8, 10, 9, 1, 4, 3, 5, 3};
    static const char called[] =
        "\"cls_token\": \"<s>\", \"sep_token\": {\"content\": \"</s>\", \"__type\": \"AddedToken\"},"
        " \"unk_token\": \"<unk>\", \"pad_token\": \"<pad>\","
        " \"mask_token\": {\"content\": \"<mask>\", \"__type\": \"AddedToken\"}";
    char both[512], map[512];
    snprintf(both, sizeof both, "{\"tokenizer_class\": \"BertTokenizer\", %s}", called);
    snprintf(map, sizeof map, "{%s}", called);
    /* The map wins, unless the configuration lists the added tokens. */
    const char *const files[][FILES] = {
        {both, BERT},
        {NULL, BERT, NULL, map},
        {"{\"cls_token\": \"[CLS]\"}", BERT, NULL, map},
    };
    for (size_t i = 0; i < 3; i++) {
        bertc_tokenizer_options o;
        bertc_error err = {0};
        assert_int_equal(read_files(files[i], &o, &err), BERTC_OK);
        tokens t = tokens_open(words, sizeof words - 1, &o);
        assert_int_equal(tokens_encode(&t, "good <s>[CLS] zz <mask>", 23, "a", 1, 0), BERTC_OK);
        assert_int_equal(t.encoding.count, sizeof want / sizeof want[0]);
        assert_memory_equal(t.encoding.ids, want, sizeof want);
        tokens_close(&t);
    }
    static const char listed[] = "{\"added_tokens_decoder\": {}, \"cls_token\": \"[CLS]\"}";
    const char *const texts[FILES] = {listed, BERT, NULL, map};
    bertc_tokenizer_options o;
    bertc_error err = {0};
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    assert_int_equal(read_files(texts, &o, &err), BERTC_OK);
    assert_int_equal(bertc_vocab_parse(words, sizeof words - 1, "v", &vocab, NULL), BERTC_OK);
    assert_int_equal(bertc_tokenizer_create(vocab, &o, &tokenizer, &err), BERTC_INPUT);
    assert_string_equal(err.message, "v: the vocabulary lacks [UNK]");
    bertc_vocab_free(vocab);
}

static void test_inputs_of_the_model(void **state)
{
    (void)state;
    assert_false(accept("{}", BERT, NULL).no_types);
    assert_false(accept("{\"model_input_names\": [\"input_ids\", \"token_type_ids\"]}", BERT, NULL).no_types);
    assert_true(accept("{\"model_input_names\": [\"input_ids\"]}", BERT, NULL).no_types);
}

/* Settings of the Python tokenizer are errors only if hf-slow is matched. */
static void test_slow_settings(void **state)
{
    (void)state;
    static const char *const settings[] = {"{\"do_basic_tokenize\": false}", "{\"never_split\": [\"covid19\"]}"};
    for (size_t i = 0; i < 2; i++) {
        const char *texts[FILES] = {settings[i], BERT};
        bertc_tokenizer_options o = bertc_tokenizer_defaults();
        bertc_error err = {0};
        assert_int_equal(adapter_files(texts, &o, &err), BERTC_OK);
        o.parity = BERTC_HF_SLOW;
        assert_int_equal(adapter_files(texts, &o, &err), BERTC_INPUT);
        assert_non_null(strstr(err.message, "is not supported"));
    }
}

/* The effects of the normaliser's switches. */
static void test_switches(void **state)
{
    (void)state;
    static const char words[] = "[UNK]\n[CLS]\n[SEP]\nA\na\n\xC3\xA9\nE\ne\nab\na\xE4\xB8\xAD" "b\na\x01" "b\n";
    bertc_tokenizer_options o = bertc_tokenizer_defaults();
    o.strip_accents = 0;
    tokens t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "A \xC3\x89", 4, "a \xC3\xA9");
    tokens_close(&t);
    o.do_lower_case = false;
    o.strip_accents = 1;
    o.tokenize_chinese_chars = false;
    o.clean_text = false;
    t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "A \xC3\x89 a\xE4\xB8\xAD" "b a\x01" "b", 14, "A E a\xE4\xB8\xAD" "b a\x01" "b");
    tokens_close(&t);
    o = bertc_tokenizer_defaults();
    o.max_word_chars = 1;
    strcpy(o.prefix, "");
    t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "a ab", 4, "a [UNK]");
    tokens_close(&t);
    o.max_word_chars = 5;
    t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "aeab", 4, "a e ab");
    tokens_close(&t);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),     cmocka_unit_test(test_length),
        cmocka_unit_test(test_precedence), cmocka_unit_test(test_added),
        cmocka_unit_test(test_longest),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_template),   cmocka_unit_test(test_legacy_files),
        cmocka_unit_test(test_switches),   cmocka_unit_test(test_inputs_of_the_model),
        cmocka_unit_test(test_slow_settings), cmocka_unit_test(test_flags),
        cmocka_unit_test(test_null_names),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names_of_special_tokens),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
