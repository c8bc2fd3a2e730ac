/* Text lines in, token ids out, as fast as the tokenizer goes. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/input.h"
#include "cli/output.h"

#define FIELD(name) offsetof(cli_tokenize_values, name)

static const bertc_option rows[] = {
    {"model", BERTC_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "DIR",
     "take vocab.txt and the tokenizer's settings from a model directory", 0},
    {"vocab", BERTC_OPTION_TEXT, FIELD(vocab), NULL, 0, 0, NULL, "FILE",
     "take a vocabulary: one word piece a line", 0},
    {"cased", BERTC_OPTION_FLAG, FIELD(cased), NULL, 0, 0, NULL, NULL,
     "keep upper case and accents", 0},
    {"pair", BERTC_OPTION_FLAG, FIELD(pair), NULL, 0, 0, NULL, NULL,
     "each line holds two texts, separated by the first TAB", 0},
    {"max-length", BERTC_OPTION_INT, FIELD(max_length), "0", 0, 1000000000, NULL, "TOKENS",
     "truncate to this many tokens, [CLS] and [SEP] included; 0: never", 0},
    {"parity", BERTC_OPTION_CHOICE, FIELD(parity), "hf-fast", 0, 0, "hf-fast|hf-slow|google",
     "NAME", "the implementation whose ids are matched", 0},
    {"offsets", BERTC_OPTION_FLAG, FIELD(offsets), NULL, 0, 0, NULL, NULL,
     "print ID:BEGIN-END with the bytes of its text that each token covers", 0},
};

const bertc_option *cli_tokenize_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

/* ---- Output -------------------------------------------------------------------------------- */

enum { ROOM = 1 << 16, MOST = 64 /* bytes that one token can need */ };

typedef struct sink {
    char bytes[ROOM];
    size_t used;
} sink;

static bertc_status flush(sink *s, bertc_error *err)
{
    size_t used = s->used;
    s->used = 0;
    if (fwrite(s->bytes, 1, used, stdout) == used) return BERTC_OK;
    return cli_fail_errno(err, "standard output", "cannot write");
}

static void put_number(sink *s, uint32_t value)
{
    char digits[10];
    size_t n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0) s->bytes[s->used++] = digits[--n];
}

static bertc_status put_line(sink *s, const bertc_encoding *e, bool offsets, bertc_error *err)
{
    for (size_t i = 0; i < e->count; i++) {
        if (s->used > ROOM - MOST && flush(s, err) != BERTC_OK) return err->status;
        if (i > 0) s->bytes[s->used++] = ' ';
        put_number(s, (uint32_t)e->ids[i]);
        if (!offsets) continue;
        s->bytes[s->used++] = ':';
        put_number(s, e->begin[i]);
        s->bytes[s->used++] = '-';
        put_number(s, e->end[i]);
    }
    s->bytes[s->used++] = '\n';
    return BERTC_OK;
}

/* ---- The job ------------------------------------------------------------------------------- */

static bertc_status encode_line(const cli_tokenize_values *v, const bertc_tokenizer *tokenizer,
                                bertc_encoding *encoding, const char *line, size_t length,
                                size_t number, bertc_error *err)
{
    const char *tab = v->pair ? memchr(line, '\t', length) : NULL;
    if (v->pair && !tab)
        return cli_fail(err, BERTC_INPUT, "standard input:%zu: no TAB between two texts", number);
    size_t first = tab ? (size_t)(tab - line) : length;
    return bertc_tokenizer_encode(tokenizer, encoding, line, first, tab ? tab + 1 : NULL,
                                  tab ? length - first - 1 : 0, (size_t)v->max_length, err);
}

static bertc_status encode_all(const cli_tokenize_values *v, const bertc_tokenizer *tokenizer,
                               sink *s, bertc_error *err)
{
    cli_lines lines = {0};
    bertc_encoding encoding = {0};
    size_t invalid = 0, length = 0;
    const char *line = NULL;
    while (err->status == BERTC_OK && cli_lines_next(&lines, &line, &length, err)) {
        if (encode_line(v, tokenizer, &encoding, line, length, lines.number, err) != BERTC_OK)
            break;
        invalid += encoding.invalid;
        put_line(s, &encoding, v->offsets, err);
    }
    flush(s, err);
    cli_lines_clear(&lines);
    bertc_encoding_clear(&encoding);
    if (invalid > 0)
        fprintf(stderr, "standard input: %zu invalid UTF-8 sequence%s read as U+FFFD\n", invalid,
                invalid == 1 ? "" : "s");
    return err->status;
}

static bertc_status load_vocab(const cli_tokenize_values *v, bertc_vocab **vocab, bertc_error *err)
{
    if (v->vocab) return bertc_vocab_load(v->vocab, vocab, err);
    return bertc_vocab_load_dir(v->model, vocab, err);
}

bertc_status cli_tokenize(const void *values, cli_words words, bertc_error *err)
{
    (void)words;
    const cli_tokenize_values *v = values;
    if (!v->model == !v->vocab)
        return cli_fail(err, BERTC_USAGE, "'bertc tokenize' needs one of --model and --vocab");
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_vocab *vocab = NULL;
    bertc_tokenizer *tokenizer = NULL;
    sink *s = malloc(sizeof *s);
    bertc_status status = s ? load_vocab(v, &vocab, err) : cli_fail_memory(err);
    options.parity = (bertc_parity)v->parity;
    if (status == BERTC_OK && v->model)
        status = bertc_tokenizer_read_options(v->model, &options, err);
    if (v->cased) options.do_lower_case = false;
    if (status == BERTC_OK) status = bertc_tokenizer_create(vocab, &options, &tokenizer, err);
    if (status == BERTC_OK) {
        s->used = 0;
        status = encode_all(v, tokenizer, s, err);
    }
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    free(s);
    return status;
}
