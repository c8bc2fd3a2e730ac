/* bertc tokenize: lines of text to lines of token ids, as fast as the tokenizer allows.
 *
 * The bytes of one read of standard input are cut into parts at line ends. Threads encode the parts in parallel, each
 * part into its own buffer. Then the buffers are written in order. Memory holds one read, or the longest line, and its
 * output. */
#include <omp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/input.h"
#include "cli/stream.h"

#define FIELD(name) offsetof(cli_tokenize_values, name)

static const bertc_choice parities[] = {
    {"hf-fast", BERTC_HF_FAST}, {"hf-slow", BERTC_HF_SLOW}, {"google", BERTC_GOOGLE}, {NULL, 0}};

static const bertc_choice longs[] = {{"head", BERTC_LONG_HEAD}, {"tail", BERTC_LONG_TAIL}, {NULL, 0}};

static const bertc_option rows[] = {
    {"model", BERTC_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "DIR",
     "use the vocab.txt and the tokenizer settings of a model directory", 0},
    {"vocab", BERTC_OPTION_TEXT, FIELD(vocab), NULL, 0, 0, NULL, "FILE",
     "use this vocabulary, one word piece per line", 0},
    {"cased", BERTC_OPTION_FLAG, FIELD(cased), NULL, 0, 0, NULL, NULL,
     "keep upper case and accents", 0},
    {"pair", BERTC_OPTION_FLAG, FIELD(pair), NULL, 0, 0, NULL, NULL,
     "each line contains two texts, separated by the first TAB", 0},
    {"max-length", BERTC_OPTION_INT, FIELD(max_length), "0", 0, 1000000000, NULL, "TOKENS",
     "maximum number of tokens of a line, with [CLS] and [SEP]; longer lines are truncated; 0: no maximum", 0},
    {"long", BERTC_OPTION_CHOICE, FIELD(long_texts), "head", 0, 0, longs, "HOW",
     "which tokens of lines longer than --max-length are kept; head: the first; tail: the last", 0},
    {"parity", BERTC_OPTION_CHOICE, FIELD(parity), "hf-fast", 0, 0, parities, "NAME",
     "reference implementation whose ids are produced", 0},
    {"offsets", BERTC_OPTION_FLAG, FIELD(offsets), NULL, 0, 0, NULL, NULL,
     "print ID:BEGIN-END for each token, the range of bytes in the text that the token covers", 0},
    {"threads", BERTC_OPTION_INT, FIELD(threads), "0", 0, 4096, NULL, "N",
     "number of threads; 0: one for each available core, at most OMP_NUM_THREADS and the control group's quota", 0},
};

const bertc_option *cli_tokenize_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

/* ---- One part ------------------------------------------------------------------------------ */

enum { PARTS_PER_THREAD = 4, PART_MIN = 1 << 13, DIGITS = 11 /* characters of a number and its separator */ };

typedef struct part {
    const char *text; /* complete lines */
    size_t length;
    char *out;
    size_t used, capacity;
    size_t lines, invalid;
    bool no_tab;       /* the last line has no TAB */
    bertc_error error; /* error of the last line */
} part;

static char *put_number(char *to, uint32_t value, char end)
{
    char digits[DIGITS];
    size_t n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0) *to++ = digits[--n];
    *to++ = end;
    return to;
}

static bertc_status put_line(part *p, const bertc_encoding *e, bool offsets)
{
    size_t max = p->used + e->count * DIGITS * (offsets ? 3 : 1);
    if (max > p->capacity) {
        char *out = realloc(p->out, max * 2);
        if (!out) return cli_fail_memory(&p->error);
        p->out = out;
        p->capacity = max * 2;
    }
    char *to = p->out + p->used;
    for (size_t i = 0; i < e->count; i++) {
        char end = i + 1 < e->count ? ' ' : '\n';
        to = put_number(to, (uint32_t)e->ids[i], offsets ? ':' : end);
        if (!offsets) continue;
        to = put_number(to, e->begin[i], '-');
        to = put_number(to, e->end[i], end);
    }
    p->used = (size_t)(to - p->out);
    return BERTC_OK;
}

static bertc_status encode_line(const cli_tokenize_values *v, const bertc_tokenizer *tokenizer,
                                bertc_encoding *encoding, const char *line, size_t length, part *p)
{
    const char *tab = v->pair ? memchr(line, '\t', length) : NULL;
    p->no_tab = v->pair && !tab;
    if (p->no_tab) return BERTC_INPUT;
    size_t first = tab ? (size_t)(tab - line) : length;
    size_t second = tab ? length - first - 1 : 0, max_length = (size_t)v->max_length;
    bertc_status status =
        v->long_texts == BERTC_LONG_TAIL
            ? bertc_tokenizer_encode_tail(tokenizer, encoding, line, first, tab ? tab + 1 : NULL, second, max_length,
                                          &p->error)
            : bertc_tokenizer_encode(tokenizer, encoding, line, first, tab ? tab + 1 : NULL, second, max_length,
                                     &p->error);
    p->invalid += encoding->invalid;
    return status == BERTC_OK ? put_line(p, encoding, v->offsets) : status;
}

/* Encode the lines of a part, up to the first line that fails. */
static void encode_part(const cli_tokenize_values *v, const bertc_tokenizer *tokenizer,
                        bertc_encoding *encoding, part *p)
{
    bertc_status status = BERTC_OK;
    for (const char *at = p->text, *end = at + p->length; at < end && status == BERTC_OK;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);
        p->lines++;
        status = encode_line(v, tokenizer, encoding, at, length, p);
        at += length + 1;
    }
}

/* ---- All parts ----------------------------------------------------------------------------- */

typedef struct job {
    const cli_tokenize_values *values;
    const bertc_tokenizer *tokenizer;
    int32_t threads;
    int max;                   /* maximum number of parts */
    bertc_encoding *encodings; /* one for each thread */
    part *parts;
    size_t lines, invalid; /* numbers of lines and of invalid UTF-8 sequences in the parts written so far */
} job;

static void print_notice(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

static bertc_status open_job(job *j, bertc_error *err)
{
    const bertc_notify notify = {print_notice, NULL};
    bertc_status status = bertc_threads_resolve(j->values->threads, &notify, &j->threads, err);
    if (status != BERTC_OK) return status;
    j->max = j->threads * PARTS_PER_THREAD;
    j->encodings = calloc((size_t)j->threads, sizeof *j->encodings);
    j->parts = calloc((size_t)j->max, sizeof *j->parts);
    return j->encodings && j->parts ? BERTC_OK : cli_fail_memory(err);
}

/* Cut complete lines into parts of about the same length. Returns the number of parts. */
static int cut(job *j, const char *text, size_t length)
{
    size_t share = length / (size_t)j->max + 1, at = 0;
    int count = 0;
    if (share < PART_MIN) share = PART_MIN;
    for (; at < length; count++) {
        size_t end = length - at > share ? at + share : length;
        const char *newline = memchr(text + end - 1, '\n', length - end + 1);
        end = newline ? (size_t)(newline - text) + 1 : length;
        part *p = &j->parts[count];
        *p = (part){.text = text + at, .length = end - at, .out = p->out, .capacity = p->capacity};
        at = end;
    }
    return count;
}

static bertc_status write_part(job *j, const part *p, bertc_error *err)
{
    j->lines += p->lines;
    j->invalid += p->invalid;
    if (p->used > 0 && fwrite(p->out, 1, p->used, stdout) != p->used)
        return cli_stream_check(cli_stdout(), "standard output", err);
    if (p->no_tab) return cli_fail(err, BERTC_INPUT, "standard input:%zu: no TAB between two texts", j->lines);
    if (p->error.status != BERTC_OK) return cli_fail(err, p->error.status, "%s", p->error.message);
    return BERTC_OK;
}

static bertc_status encode_block(job *j, const char *text, size_t length, bertc_error *err)
{
    int count = cut(j, text, length);
    bertc_status status = BERTC_OK;
#pragma omp parallel for schedule(dynamic) num_threads(j->threads) if (count > 1)
    for (int i = 0; i < count; i++)
        encode_part(j->values, j->tokenizer, &j->encodings[omp_get_thread_num()], &j->parts[i]);
    for (int i = 0; i < count && status == BERTC_OK; i++) status = write_part(j, &j->parts[i], err);
    return status;
}

static bertc_status encode_all(const cli_tokenize_values *v, const bertc_tokenizer *tokenizer, bertc_error *err)
{
    job j = {.values = v, .tokenizer = tokenizer};
    cli_lines lines = {0};
    size_t length = 0;
    const char *text = NULL;
    bertc_status status = open_job(&j, err);
    while (status == BERTC_OK && cli_lines_next(&lines, &text, &length, err))
        status = encode_block(&j, text, length, err);
    cli_lines_clear(&lines);
    for (int i = 0; j.encodings && i < j.threads; i++) bertc_encoding_clear(&j.encodings[i]);
    for (int i = 0; j.parts && i < j.max; i++) free(j.parts[i].out);
    free(j.encodings);
    free(j.parts);
    if (j.invalid > 0)
        fprintf(stderr, "standard input: %zu invalid UTF-8 sequence%s read as U+FFFD\n", j.invalid,
                j.invalid == 1 ? "" : "s");
    return err->status;
}

bertc_status cli_tokenize(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_tokenize_values *v = values;
    if (!v->model == !v->vocab) return cli_fail(err, BERTC_USAGE, "'bertc tokenize' needs one of --model and --vocab");
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_vocab *vocab = NULL;
    bertc_tokenizer *tokenizer = NULL;
    bertc_status status = v->model ? cli_check_finished(v->model, err) : bertc_vocab_load(v->vocab, &vocab, err);
    if (status == BERTC_OK && v->model) status = bertc_vocab_load_dir(v->model, &vocab, err);
    options.parity = (bertc_parity)v->parity;
    if (status == BERTC_OK && v->model) status = bertc_tokenizer_read_options(v->model, &options, err);
    if (v->cased) options.do_lower_case = false;
    if (status == BERTC_OK) status = bertc_tokenizer_create(vocab, &options, &tokenizer, err);
    if (status == BERTC_OK) status = encode_all(v, tokenizer, err);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    return status;
}
