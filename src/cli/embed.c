/* bertc embed: write the outputs of an encoder's layers for lines of text or a split, in one of three formats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/inference.h"
#include "cli/error.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/progress.h"

/* ---- Formats ------------------------------------------------------------------------------- */

typedef struct writer {
    const cli_inference_values *values;
    bertc_embed_shape shape;
    cli_file files[2]; /* --out, --offsets */
    int64_t row; /* number of rows written */
} writer;

static void put_int64(FILE *to, int64_t number)
{
    fwrite(&number, sizeof number, 1, to);
}

/* Write the header of an .npy file, version 1.0: a Python literal, padded so that the data is aligned.
 * Source: numpy.lib.format. */
static void put_npy_header(FILE *to, const char *type, size_t n, size_t width)
{
    static const char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
    char text[118], shape[64];
    snprintf(shape, sizeof shape, width > 0 ? "(%zu, %zu)" : "(%zu,)", n, width);
    snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }", order, type, shape);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, to);
    fprintf(to, "%-117s\n", text);
}

static void begin_npy(writer *w)
{
    put_npy_header(w->files[0].stream, "f4", w->shape.rows, w->shape.width);
    if (!w->files[1].stream) return;
    put_npy_header(w->files[1].stream, "i8", w->shape.examples + 1, 0);
    put_int64(w->files[1].stream, 0);
}

static void take_npy(writer *w, const bertc_embedding *e)
{
    fwrite(e->values, sizeof *e->values, e->rows * w->shape.width, w->files[0].stream);
    w->row += (int64_t)e->rows;
    if (w->files[1].stream) put_int64(w->files[1].stream, w->row);
}

static bool is_by_token(const writer *w)
{
    return w->values->pool == BERTC_POOL_NONE;
}

static const char *word_of(const writer *w, int32_t id, int *length)
{
    size_t n;
    const char *word = bertc_tokenizer_word(w->shape.tokenizer, id, &n);
    *length = (int)n;
    return word;
}

static bool is_json_number(const char *text, size_t n)
{
    size_t digits = 0;
    while (digits < n && text[digits] >= '0' && text[digits] <= '9') digits++;
    return n > 0 && n < 16 && digits == n && (text[0] != '0' || n == 1);
}

/* Print floats. Nine digits represent a float exactly. */
static void put_values(FILE *to, const float *x, size_t count, const char *separator)
{
    for (size_t i = 0; i < count; i++) fprintf(to, "%s%.9g", i ? separator : "", (double)x[i]);
}

static void take_jsonl(writer *w, const bertc_embedding *e)
{
    FILE *to = w->files[0].stream;
    const bertc_example *x = e->example;
    fputs("{\"index\":", to);
    if (x->index && !is_json_number(x->index, x->nindex)) cli_put_json(to, x->index, x->nindex);
    else cli_put_index(to, x, e->index);
    fputc(',', to);
    if (is_by_token(w)) {
        fputs("\"tokens\":", to);
        for (size_t r = 0; r < e->rows; r++) {
            fputc(r ? ',' : '[', to);
            int n;
            const char *word = word_of(w, e->ids[r], &n);
            cli_put_json(to, word, (size_t)n);
        }
        fputs("],", to);
    }
    fputs("\"embedding\":", to);
    for (size_t r = 0; r < e->rows; r++) {
        if (is_by_token(w)) fputc(r ? ',' : '[', to);
        fputc('[', to);
        put_values(to, e->values + r * w->shape.width, w->shape.width, ",");
        fputc(']', to);
    }
    fputs(is_by_token(w) ? "]}\n" : "}\n", to);
}

static void take_tsv(writer *w, const bertc_embedding *e)
{
    FILE *to = w->files[0].stream;
    for (size_t r = 0; r < e->rows; r++) {
        cli_put_index(to, e->example, e->index);
        fputc('\t', to);
        if (is_by_token(w)) {
            int n;
            const char *word = word_of(w, e->ids[r], &n);
            fprintf(to, "%zu\t%.*s\t", r, n, word);
        }
        put_values(to, e->values + r * w->shape.width, w->shape.width, "\t");
        fputc('\n', to);
    }
}

static const struct {
    void (*begin)(writer *w);
    void (*take)(writer *w, const bertc_embedding *e);
} formats[] = {[CLI_NPY] = {begin_npy, take_npy}, [CLI_JSONL] = {NULL, take_jsonl}, [CLI_TSV] = {NULL, take_tsv}};

/* ---- The job ------------------------------------------------------------------------------- */

static bertc_status begin(void *user, const bertc_embed_shape *shape, bertc_error *err)
{
    (void)err;
    writer *w = user;
    w->shape = *shape;
    if (formats[w->values->format].begin) formats[w->values->format].begin(w);
    return BERTC_OK;
}

static bertc_status take(void *user, const bertc_embedding *e, bertc_error *err)
{
    writer *w = user;
    for (size_t i = 0; i < e->rows * w->shape.width; i++)
        if (!isfinite(e->values[i]))
            return cli_fail(err, BERTC_DIVERGED, "example %zu: the model's output is not finite", e->index);
    formats[w->values->format].take(w, e);
    return cli_stream_check(w->files[0].bytes, w->files[0].path, err);
}

static bertc_status check(cli_inference_values *v, bertc_error *err)
{
    bool by_token = v->format == CLI_NPY && v->pool == BERTC_POOL_NONE;
    bool terminal = v->format == CLI_NPY && (!v->out || strcmp(v->out, "-") == 0) && isatty(STDOUT_FILENO);
    bertc_status status = v->predict.task ? cli_task_open(v, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    if (by_token && !v->offsets)
        return cli_fail(err, BERTC_USAGE, "--format npy --pool none needs --offsets FILE for each text's first row");
    if (!by_token && v->offsets)
        return cli_fail(err, BERTC_USAGE, "--offsets has no effect without --format npy --pool none");
    if (terminal) return cli_fail(err, BERTC_USAGE, "--format npy cannot be printed on a terminal; give --out FILE");
    return cli_inference_check_outputs(v, v->predict.opened, err);
}

static bertc_status compute(writer *w, const char *text, size_t length, bertc_error *err)
{
    const cli_inference_values *v = w->values;
    const bertc_embed_options options = {
        .on = cli_inference_options(v, text, length), .pair = v->pair, .layers = v->layers,
        .combine = (bertc_combine)v->combine, .pool = (bertc_pool)v->pool, .normalize = v->normalize};
    const bertc_embed_sink sink = {begin, take, w};
    cli_progress progress;
    bertc_status status = cli_progress_begin(&progress, err);
    if (status == BERTC_OK) status = bertc_embed(&options, &progress.observer, &sink, err);
    cli_progress_end(&progress);
    return status;
}

/* The outputs are opened before the model is loaded, so that an unwritable output is reported early. */
bertc_status cli_embed(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    cli_inference_values own = *(const cli_inference_values *)values;
    writer w = {.values = &own};
    char *text = NULL;
    size_t length = 0;
    bertc_status status = check(&own, err);
    bool lines = !own.predict.data && !bertc_task_has_files(own.predict.opened);
    if (status == BERTC_OK && lines) status = cli_read_all(&text, &length, err);
    if (status == BERTC_OK) status = cli_files_open(w.files, w.values->out, w.values->offsets, "offsets", err);
    if (status == BERTC_OK) status = compute(&w, text, length, err);
    if (status == BERTC_OK) status = cli_files_commit(w.files, err);
    cli_files_close(w.files, err);
    bertc_task_close(own.predict.opened);
    free(text);
    return status;
}
