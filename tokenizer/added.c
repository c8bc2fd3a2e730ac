/* Added tokens: their ids, and finding them in a text.
 *
 * 1. Tokens that are not normalised are found in the raw text. Between these tokens the text is normalised, and the
 *    normalised tokens are found in it by their normalised forms.
 * 2. The leftmost token is found first. If several tokens begin at the same place, the longest is found. The text of a
 *    found token is not searched again, even if `single_word` then rejects the match.
 * 3. A token whose normalised form is empty is never found.
 *
 * Source: AddedVocabulary of the Rust package tokenizers, which gives the same ids. */
#include "tokenizer/added.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tokenizer/normalize.h"
#include "vocab/vocab.h"

/* ---- Ids ----------------------------------------------------------------------------------- */

static bertc_status assign_ids(bertc_tokenizer *tokenizer, bertc_error *err)
{
    const bertc_vocab *vocab = tokenizer->vocab;
    int32_t next = bc_vocab_distinct(vocab); /* as in the reference */
    tokenizer->size = bertc_vocab_size(vocab);
    for (int32_t i = 0; i < tokenizer->options.added_count; i++) {
        const bertc_added_token *token = &tokenizer->options.added[i];
        int32_t known = bertc_vocab_id(vocab, token->text, strlen(token->text));
        int32_t id = known >= 0 ? known : next;
        if (token->id >= 0 && token->id != id)
            return bc_fail(err, BERTC_INPUT, "%s: the added token %s has id %d in the tokenizer's files, but %d %s",
                           bertc_vocab_source(vocab), token->text, (int)token->id, (int)id,
                           known >= 0 ? "in the vocabulary" : "is the next free one");
        if (id >= next) next = id + 1;
        if (id >= tokenizer->size) tokenizer->size = id + 1;
        tokenizer->added[i] = id;
    }
    return BERTC_OK;
}

int32_t bertc_tokenizer_size(const bertc_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->size : 0;
}

const char *bertc_tokenizer_word(const bertc_tokenizer *tokenizer, int32_t id, size_t *length)
{
    int32_t words = tokenizer ? bertc_vocab_size(tokenizer->vocab) : 0;
    if (id >= 0 && id < words) return bertc_vocab_word(tokenizer->vocab, id, length);
    const char *text = "";
    for (int32_t i = 0; tokenizer && i < tokenizer->options.added_count; i++)
        if (tokenizer->added[i] == id) text = tokenizer->options.added[i].text;
    if (length) *length = strlen(text);
    return text;
}

/* ---- Literals ------------------------------------------------------------------------------ */

static void put_literal(bc_literals *literals, bc_literal literal)
{
    unsigned char first = (unsigned char)literal.text[0];
    literals->start = literals->count == 0 || literals->start == first ? first : -1;
    literals->starts[first] = true;
    literals->at[literals->count++] = literal;
}

/* Check that no other token has the same normalised form: if two have it, the reference may find either. */
static bertc_status check_unique(const bertc_tokenizer *tokenizer, const bc_literal *literal, bertc_error *err)
{
    for (size_t i = 0; i < tokenizer->normalized.count; i++) {
        const bc_literal *other = &tokenizer->normalized.at[i];
        size_t a, b;
        if (other->length != literal->length || memcmp(other->text, literal->text, other->length) != 0) continue;
        const char *first = bertc_tokenizer_word(tokenizer, other->id, &a);
        const char *second = bertc_tokenizer_word(tokenizer, literal->id, &b);
        return bc_fail(err, BERTC_INPUT, "%s: the added tokens %.*s and %.*s have the same normalised form",
                       bertc_vocab_source(tokenizer->vocab), (int)a, first, (int)b, second);
    }
    return BERTC_OK;
}

static bertc_status put_normalized(bertc_tokenizer *tokenizer, bc_literal literal, bertc_error *err)
{
    bc_scratch scratch = {0};
    size_t invalid = 0;
    bool done = bc_normalize_whole(tokenizer, &scratch, (const unsigned char *)literal.text, 0,
                                   literal.length, &invalid) &&
                bc_utf8_text_set(&scratch.text, scratch.whole.at, scratch.whole.count);
    size_t length = done ? scratch.text.count : 0;
    char *text = length ? bc_strndup((const char *)scratch.text.bytes, length) : NULL;
    bc_scratch_clear(&scratch);
    if (done && length == 0) return BERTC_OK;
    if (!text) return bc_fail_memory(err);
    literal.text = literal.owned = text;
    literal.length = length;
    bertc_status status = check_unique(tokenizer, &literal, err);
    if (status) bc_free(text);
    else put_literal(&tokenizer->normalized, literal);
    return status;
}

bertc_status bc_added_build(bertc_tokenizer *tokenizer, bertc_error *err)
{
    const bertc_tokenizer_options *options = &tokenizer->options;
    bertc_status status = assign_ids(tokenizer, err);
    for (int32_t i = 0; i < options->added_count && !status; i++) {
        const bertc_added_token *token = &options->added[i];
        bc_literal literal = {.text = token->text, .length = strlen(token->text), .id = tokenizer->added[i],
                              .single_word = token->single_word, .lstrip = token->lstrip, .rstrip = token->rstrip};
        if (literal.length == 0 || !tokenizer->rules.find_added) continue;
        if (options->parity != BERTC_HF_FAST && (token->normalized || token->single_word))
            return bc_fail(err, BERTC_INPUT, "the added token %s is %s; only the tokenizer hf-fast supports such "
                           "tokens", token->text, token->normalized ? "normalized" : "single_word");
        if (token->normalized) status = put_normalized(tokenizer, literal, err);
        else put_literal(&tokenizer->raw, literal);
    }
    return status;
}

void bc_added_free(bertc_tokenizer *tokenizer)
{
    for (size_t i = 0; i < tokenizer->normalized.count; i++) bc_free(tokenizer->normalized.at[i].owned);
}

/* ---- Finding ------------------------------------------------------------------------------- */

/* Return the flags of the character that begins at text[at], and its length in *bytes; both 0 at the end. */
static uint16_t flags_at(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                         size_t end, size_t *bytes)
{
    uint32_t code;
    bool valid;
    *bytes = 0;
    if (at == end) return 0;
    *bytes = bc_utf8_decode(text + at, end - at, &code, &valid);
    return bc_unicode_get(&tokenizer->unicode, code)->flags[tokenizer->rules.column];
}

/* Return the flags of the character that ends at text[at], and its length in *bytes; both 0 at the beginning. */
static uint16_t flags_before(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at, size_t *bytes)
{
    size_t start = at, used;
    while (start > 0 && at - start < BC_UTF8_MAX && (text[start - 1] & 0xC0) == 0x80) start--;
    if (start > 0 && at - start < BC_UTF8_MAX) start--;
    uint16_t flags = flags_at(tokenizer, text, start, at, &used);
    *bytes = used;
    if (used == at - start) return flags;
    *bytes = 1; /* ill-formed: U+FFFD */
    return 0;
}

/* Return the longest literal (text of an added token) that begins at text[at], or null. */
static const bc_literal *literal_at(const bc_literals *literals, const unsigned char *text, size_t at, size_t end)
{
    const bc_literal *best = NULL;
    for (size_t i = 0; i < literals->count; i++) {
        const bc_literal *literal = &literals->at[i];
        if (literal->length <= end - at && (!best || literal->length > best->length) &&
            memcmp(text + at, literal->text, literal->length) == 0)
            best = literal;
    }
    return best;
}

/* Find the first literal in text[at, end). Returns the place where it begins; `end` if there is no literal. */
static size_t find_literal(const bc_literals *literals, const unsigned char *text, size_t at,
                           size_t end, const bc_literal **found)
{
    for (*found = NULL; at < end; at++) {
        if (literals->start >= 0) {
            const unsigned char *start = memchr(text + at, literals->start, end - at);
            if (!start) return end;
            at = (size_t)(start - text);
        }
        if (!literals->starts[text[at]]) continue;
        *found = literal_at(literals, text, at, end);
        if (*found) return at;
    }
    return end;
}

/* Whether the characters before and after text[begin, stop) are not parts of words. */
static bool is_single(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t begin,
                      size_t stop, size_t end)
{
    size_t bytes;
    return !(flags_before(tokenizer, text, begin, &bytes) & BC_WORD) &&
           !(flags_at(tokenizer, text, stop, end, &bytes) & BC_WORD);
}

bool bc_added_find(const bertc_tokenizer *tokenizer, const bc_literals *literals,
                   const unsigned char *text, size_t from, size_t end, bc_found *found)
{
    const bc_literal *literal;
    size_t begin, stop = found->next, bytes;
    do {
        begin = find_literal(literals, text, stop, end, &literal);
        if (!literal) return false;
        stop = begin + literal->length;
    } while (literal->single_word && !is_single(tokenizer, text, begin, stop, end));
    *found = (bc_found){literal, begin, stop, stop};
    while (literal->lstrip && found->begin > from && (flags_before(tokenizer, text, found->begin, &bytes) & BC_SPACE))
        found->begin -= bytes;
    while (literal->rstrip && (flags_at(tokenizer, text, found->end, end, &bytes) & BC_SPACE)) found->end += bytes;
    return true;
}
