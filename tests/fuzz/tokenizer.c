/* Fuzz bertc_tokenizer_encode with any bytes, parity and options. Offsets must lie within their text, a reused encoding
 * must give the same result as a new one, and kept and truncated tokens must add up. The first three bytes select
 * options, pair, added tokens and length. */
#include "bertc/tokenizer.h"

#include "fuzz.h"

/* The last 16 tokenizers are hf-fast with added tokens of all combinations of flags. */
enum { PLAIN = 3 * 16, VARIANTS = PLAIN + 16 };

static const char words[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nab\n##ab\nthe\n##s\n.\n,\n[\n]\n=\nsigma\n"
    "\xCF\x83\n\xCF\x82\n\xCE\xB1\n##\xCF\x83\n##\xCF\x82\n\xE4\xB8\xAD\ni\nE\ne\n\xC3\xA9\n##\xC3\xA9\n";

static const bertc_added_token added[] = {
    {.text = "[MASK]", .id = 4, .normalized = true, .lstrip = true},
    {.text = "ab", .id = 9, .single_word = true, .rstrip = true},
    {.text = "The Sigma", .id = -1, .normalized = true, .single_word = true, .lstrip = true, .rstrip = true},
    {.text = "\xE4\xB8\xAD" "E", .id = -1, .normalized = true},
    {.text = " b", .id = -1, .lstrip = true},
    {.text = "\xC3\xA9", .id = -1, .normalized = true, .rstrip = true},
    {.text = "\xCC\x81", .id = -1, .normalized = true},
};

static bertc_tokenizer *make(const bertc_vocab *vocab, int variant)
{
    bertc_tokenizer *tokenizer = NULL;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.parity = variant < PLAIN ? (bertc_parity)(variant / 16) : BERTC_HF_FAST;
    if (variant >= PLAIN) {
        options.added_count = sizeof added / sizeof *added;
        memcpy(options.added, added, sizeof added);
    }
    options.do_lower_case = variant & 1;
    options.tokenize_chinese_chars = variant & 2;
    options.clean_text = variant & 4;
    options.strip_accents = variant & 8 ? -1 : 1 - (variant & 1);
    FUZZ_CHECK(bertc_tokenizer_create(vocab, &options, &tokenizer, NULL) == BERTC_OK);
    return tokenizer;
}

static const bertc_tokenizer *choose(unsigned variant, bool with_added)
{
    static bertc_vocab *vocab;
    static bertc_tokenizer *made[VARIANTS];
    if (!vocab) FUZZ_CHECK(bertc_vocab_parse(words, sizeof words - 1, "words", &vocab, NULL) == BERTC_OK);
    variant = with_added ? PLAIN + variant % 16 : variant % PLAIN;
    if (!made[variant]) made[variant] = make(vocab, (int)variant);
    return made[variant];
}

static void check_offsets(const bertc_encoding *e, size_t na, size_t nb)
{
    for (size_t i = 0; i < e->count; i++) {
        FUZZ_CHECK(e->types[i] == 0 || e->types[i] == 1);
        FUZZ_CHECK(e->begin[i] <= e->end[i] && e->end[i] <= (e->types[i] ? nb : na));
    }
}

static void check_same(const bertc_encoding *x, const bertc_encoding *y)
{
    FUZZ_CHECK(x->count == y->count && x->invalid == y->invalid && x->truncated == y->truncated);
    FUZZ_CHECK(memcmp(x->ids, y->ids, x->count * sizeof *x->ids) == 0);
    FUZZ_CHECK(memcmp(x->begin, y->begin, x->count * sizeof *x->begin) == 0);
    FUZZ_CHECK(memcmp(x->end, y->end, x->count * sizeof *x->end) == 0);
}

/* The windows of an encoding fit, follow each other at equal distances and have every piece of the text that is cut. */
static void check_windows(const bertc_encoding *e, size_t max, size_t overlap)
{
    bertc_windows w;
    size_t end = 0, first;
    if (bertc_encoding_windows(e, max, overlap, &w, NULL) != BERTC_OK) return;
    FUZZ_CHECK(w.before + w.pieces + w.after == e->count && w.count > 0);
    for (size_t i = 0; i < w.count; i++) {
        size_t pieces = bertc_windows_at(&w, i, &first);
        FUZZ_CHECK(w.before + pieces + w.after <= max && first + pieces + w.after <= e->count);
        FUZZ_CHECK(first == (i ? end - overlap : w.before) && (pieces == w.capacity || i + 1 == w.count));
        end = first + pieces;
    }
    FUZZ_CHECK(end + w.after == e->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bertc_encoding reused;
    bertc_encoding fresh = {0};
    if (size < 3) return 0;
    const bertc_tokenizer *tokenizer = choose(data[0], data[1] & 2);
    bool pair = data[1] & 1;
    size_t max = data[1] > 127 ? 3 + data[1] % 16 : 0, rest = size - 3;
    size_t na = pair ? rest * data[2] / 255 : rest, nb = rest - na;
    /* Copies of exactly the length, so that a sanitizer sees any read beyond the end. */
    char *a = malloc(na ? na : 1), *b = malloc(nb ? nb : 1);
    FUZZ_CHECK(a && b);
    memcpy(a, data + 3, na);
    memcpy(b, data + 3 + na, nb);
    const char *second = pair ? b : NULL;
    FUZZ_CHECK(bertc_tokenizer_encode(tokenizer, &reused, a, na, second, nb, max, NULL) == BERTC_OK);
    FUZZ_CHECK(bertc_tokenizer_encode(tokenizer, &fresh, a, na, second, nb, max, NULL) == BERTC_OK);
    check_offsets(&fresh, na, nb);
    check_same(&fresh, &reused);
    if (max) {
        FUZZ_CHECK(fresh.count <= max);
        size_t kept = fresh.count, cut = fresh.truncated;
        FUZZ_CHECK(bertc_tokenizer_encode(tokenizer, &fresh, a, na, second, nb, 0, NULL) == BERTC_OK);
        FUZZ_CHECK(fresh.count == kept + cut && (cut == 0 || kept == max));
        check_windows(&fresh, max, data[2] % max);
        FUZZ_CHECK(bertc_tokenizer_encode_tail(tokenizer, &reused, a, na, second, nb, max, NULL) == BERTC_OK);
        FUZZ_CHECK(reused.count == kept && reused.truncated == cut);
        check_offsets(&reused, na, nb);
    }
    bertc_encoding_clear(&fresh);
    free(a);
    free(b);
    return 0;
}
