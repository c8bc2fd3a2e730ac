/* Creating a tokenizer: rules from the options, a trie and a table of short words from the vocabulary, and tables for
 * single bytes. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tokenizer/added.h"
#include "tokenizer/tokenizer.h"

bertc_tokenizer_options bertc_tokenizer_defaults(void)
{
    bertc_tokenizer_options options = {
        .parity = BERTC_HF_FAST,
        .do_lower_case = true,
        .strip_accents = -1,
        .tokenize_chinese_chars = true,
        .clean_text = true,
        .prefix = "##",
        .special = {[BERTC_UNK] = "[UNK]", [BERTC_SEP] = "[SEP]", [BERTC_PAD] = "[PAD]",
                    [BERTC_CLS] = "[CLS]", [BERTC_MASK] = "[MASK]"},
        .added_count = BERTC_SPECIALS,
    };
    for (int i = 0; i < BERTC_SPECIALS; i++) {
        memcpy(options.added[i].text, options.special[i], BERTC_MAX_ADDED_BYTES);
        options.added[i].id = -1;
    }
    return options;
}

static bc_tokenizer_rules make_rules(const bertc_tokenizer_options *options)
{
    bool fast = options->parity == BERTC_HF_FAST, google = options->parity == BERTC_GOOGLE;
    bool slow = options->parity == BERTC_HF_SLOW, lower = options->do_lower_case;
    bool strip = options->strip_accents < 0 ? lower : options->strip_accents > 0;
    uint16_t drop = google ? BC_CONTROL : BC_CONTROL | BC_OTHER;
    return (bc_tokenizer_rules){
        .column = fast ? BC_COLUMN_HF : BC_COLUMN_PY,
        .drop = fast && !options->clean_text ? 0 : drop,
        .space_cjk = options->tokenize_chinese_chars,
        .lower_first = slow && lower,
        .compose = slow && !strip, /* has no effect if an NFD follows */
        .lower_words = google && lower,
        .strip = strip,
        .lower_last = fast && lower,
        .find_added = !google,
        .keep_added = slow,
        .odd_to_first = !fast,
        .word_limit = options->max_word_chars > 0 ? (size_t)options->max_word_chars
                      : google                    ? 200
                                                  : 100,
    };
}

/* Return the id of a plain punctuation character: one that no normalisation changes and that is a word of the
 * vocabulary. -1 for any other character. */
static int32_t punctuation_id(const bertc_tokenizer *tokenizer, uint32_t code)
{
    const bc_unicode_row *row = bc_unicode_get(&tokenizer->unicode, code);
    bc_unicode_column column = tokenizer->rules.column;
    unsigned others = BC_SPACE | BC_MARK | BC_CJK | BC_DECOMPOSES | BC_LOWERS;
    unsigned char bytes[BC_UTF8_MAX];
    others |= tokenizer->rules.drop;
    if (!(row->flags[column] & BC_PUNCT) || (row->flags[column] & others) || row->ccc[column]) return -1;
    int32_t node = bc_trie_walk(&tokenizer->trie, 0, bytes, bc_utf8_encode(code, bytes));
    return node < 0 ? -1 : tokenizer->trie.nodes[node].id;
}

static void fill_bytes(bertc_tokenizer *tokenizer)
{
    tokenizer->fold = tokenizer->options.do_lower_case ? 0x20 : 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool upper = byte >= 'A' && byte <= 'Z';
        tokenizer->lower[byte] = (unsigned char)(upper ? byte | tokenizer->fold : byte);
    }
    for (unsigned byte = 0; byte < 128; byte++) {
        uint16_t flags = bc_unicode_get(&tokenizer->unicode, byte)->flags[tokenizer->rules.column];
        tokenizer->space[byte] = (flags & BC_SPACE) && !(flags & tokenizer->rules.drop);
        tokenizer->ascii_punct[byte] = punctuation_id(tokenizer, byte);
    }
    for (unsigned i = 0; i < BC_UNICODE_PUNCT; i++) tokenizer->unicode_punct[i] = punctuation_id(tokenizer, 0x2000 + i);
}

/* Return the id of a special token by its name in the options; -1 if the token has no name or no id. */
static int32_t special_id(const bertc_tokenizer *tokenizer, bertc_special special)
{
    const char *name = tokenizer->options.special[special];
    int32_t id = *name ? bertc_vocab_id(tokenizer->vocab, name, strlen(name)) : -1;
    for (int32_t i = 0; id < 0 && *name && i < tokenizer->options.added_count; i++)
        if (strcmp(tokenizer->options.added[i].text, name) == 0) id = tokenizer->added[i];
    return id;
}

/* Set the ids of the special tokens. [UNK] must be a word of the vocabulary. [CLS] and [SEP] must be words, or added
 * tokens whose id is stated. The default added tokens state no id, so without other added tokens [CLS] and
 * [SEP] must be words. */
static bertc_status find_specials(bertc_tokenizer *tokenizer, bertc_error *err)
{
    static const bertc_special needed[] = {BERTC_UNK, BERTC_CLS, BERTC_SEP};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        const char *name = tokenizer->options.special[needed[i]];
        bool found = *name && bertc_vocab_id(tokenizer->vocab, name, strlen(name)) >= 0;
        for (int32_t k = 0; !found && i > 0 && k < tokenizer->options.added_count; k++) {
            const bertc_added_token *token = &tokenizer->options.added[k];
            found = token->id >= 0 && strcmp(token->text, name) == 0;
        }
        if (!found)
            return bc_fail(err, BERTC_INPUT, "%s: the vocabulary lacks %s", bertc_vocab_source(tokenizer->vocab), name);
    }
    tokenizer->specials = (bertc_special_ids){.pad = special_id(tokenizer, BERTC_PAD),
                                              .unk = special_id(tokenizer, BERTC_UNK),
                                              .cls = special_id(tokenizer, BERTC_CLS),
                                              .sep = special_id(tokenizer, BERTC_SEP),
                                              .mask = special_id(tokenizer, BERTC_MASK)};
    return BERTC_OK;
}

/* Check that strings are NUL-terminated in their arrays and values are in range. */
static bertc_status check_options(const bertc_tokenizer_options *o, bertc_error *err)
{
    if (o->added_count < 0 || o->added_count > BERTC_MAX_ADDED_TOKENS)
        return bc_fail(err, BERTC_USAGE, "%d added tokens, expected at most %d", (int)o->added_count,
                       (int)BERTC_MAX_ADDED_TOKENS);
    bool good = memchr(o->prefix, '\0', sizeof o->prefix) != NULL;
    for (int i = 0; i < BERTC_SPECIALS; i++) good = good && memchr(o->special[i], '\0', BERTC_MAX_ADDED_BYTES);
    for (int32_t i = 0; i < o->added_count; i++)
        good = good && memchr(o->added[i].text, '\0', BERTC_MAX_ADDED_BYTES) && o->added[i].id >= -1;
    if (!good || (unsigned)o->parity > BERTC_GOOGLE || o->strip_accents < -1 || o->strip_accents > 1 ||
        o->model_max_length < 0 || o->max_word_chars < 0)
        return bc_fail(err, BERTC_USAGE,
                       "tokenizer options: a value is out of range, or a string is not NUL-terminated");
    return BERTC_OK;
}

static bertc_status fill(bertc_tokenizer *tokenizer, bertc_error *err)
{
    const bertc_tokenizer_options *options = &tokenizer->options;
    bertc_status status = check_options(options, err);
    if (status) return status;
    tokenizer->rules = make_rules(options);
    bc_unicode_fill(&tokenizer->unicode);
    status = bc_added_build(tokenizer, err);
    if (!status) status = find_specials(tokenizer, err);
    if (!status) status = bc_trie_build(&tokenizer->trie, tokenizer->vocab, err);
    if (status) return status;
    fill_bytes(tokenizer);
    int32_t continued = bc_trie_walk(&tokenizer->trie, 0, (const unsigned char *)options->prefix,
                                     strlen(options->prefix));
    status = bc_matcher_build(&tokenizer->continuation, &tokenizer->trie, continued, err);
    if (status) return status;
    return bc_short_words_build(&tokenizer->words, tokenizer->vocab, tokenizer->rules.word_limit, tokenizer->lower,
                                err);
}

bertc_status bertc_tokenizer_create(const bertc_vocab *vocab, const bertc_tokenizer_options *options,
                                    bertc_tokenizer **tokenizer, bertc_error *err)
{
    if (!vocab || !options || !tokenizer) return bc_fail_null(err, __func__, "vocab, options and tokenizer");
    *tokenizer = NULL;
    bertc_tokenizer *made = bc_calloc(1, sizeof *made);
    if (!made) return bc_fail_memory(err);
    made->vocab = vocab;
    made->options = *options;
    bertc_status status = fill(made, err);
    if (status) {
        bertc_tokenizer_free(made);
        return status;
    }
    *tokenizer = made;
    return BERTC_OK;
}

void bertc_tokenizer_free(bertc_tokenizer *tokenizer)
{
    if (!tokenizer) return;
    bc_added_free(tokenizer);
    bc_matcher_free(&tokenizer->continuation);
    bc_trie_free(&tokenizer->trie);
    bc_short_words_free(&tokenizer->words);
    bc_free(tokenizer);
}

const bertc_vocab *bertc_tokenizer_vocab(const bertc_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->vocab : NULL;
}

bertc_tokenizer_options bertc_tokenizer_options_of(const bertc_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->options : bertc_tokenizer_defaults();
}
