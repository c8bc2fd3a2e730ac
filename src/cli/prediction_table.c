#include "cli/prediction_table.h"

#include <stdlib.h>
#include <string.h>

#include "cli/error.h"
#include "cli/json.h"

static bool is_regression(const cli_prediction_table *t)
{
    return t->task->kind == BERTC_REGRESSION;
}

/* ---- Options ------------------------------------------------------------------------------- */

static bertc_status check(const cli_inference_values *v, const bertc_task *task, bertc_error *err)
{
    const char *idle = v->probabilities    ? "probabilities"
                       : v->top_k > 0      ? "top-k"
                       : v->threshold >= 0 ? "threshold"
                                           : NULL;
    if (task->num_labels == 0)
        return cli_fail(err, BERTC_USAGE, "task %s has no labels to predict", task->name);
    if (idle && task->kind == BERTC_REGRESSION)
        return cli_fail(err, BERTC_USAGE, "--%s has no effect on %s, a regression: it predicts a value, which has no "
                        "probability", idle, task->name);
    return BERTC_OK;
}

/* The format of the table: --format, else by the ending of --out, else TSV. */
static int format_of(const cli_inference_values *v)
{
    static const struct {
        const char *ending;
        int format;
    } endings[] = {{".csv", CLI_CSV}, {".jsonl", CLI_JSONL}, {".json", CLI_JSONL}};
    if (v->format) return v->format;
    size_t length = v->out ? strlen(v->out) : 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i].ending);
        if (length > n && strcmp(v->out + length - n, endings[i].ending) == 0) return endings[i].format;
    }
    return CLI_TSV;
}

bertc_status cli_prediction_table_open(cli_prediction_table *t, const cli_inference_values *v, const bertc_task *task,
                                       bertc_error *err)
{
    bool shaped = v->format || format_of(v) != CLI_TSV || v->probabilities || v->top_k > 0 || v->predict.keep_columns;
    *t = (cli_prediction_table){.task = task, .format = format_of(v),
                                .bare = !v->predict.data && !shaped, .numbered = v->predict.data != NULL,
                                .probabilities = v->probabilities};
    bertc_status status = check(v, task, err);
    if (status != BERTC_OK) return status;
    size_t count = (size_t)task->num_labels, bytes = count + 1;
    t->top = v->top_k < task->num_labels ? (size_t)v->top_k : count;
    for (size_t c = 0; task->labels && c < count; c++) bytes += strlen(task->labels[c]);
    t->values = malloc(count * sizeof *t->values);
    t->labels = malloc(count * sizeof *t->labels);
    t->text = malloc(bytes);
    if (v->threshold >= 0) t->thresholds = malloc(count * sizeof *t->thresholds);
    if (!t->values || !t->labels || !t->text || (v->threshold >= 0 && !t->thresholds)) return cli_fail_memory(err);
    for (size_t c = 0; t->thresholds && c < count; c++) t->thresholds[c] = v->threshold;
    return BERTC_OK;
}

void cli_prediction_table_close(cli_prediction_table *t)
{
    free(t->thresholds);
    free(t->values);
    free(t->labels);
    free(t->text);
    *t = (cli_prediction_table){0};
}

/* ---- Cells --------------------------------------------------------------------------------- */

/* Whether a text can be a cell of TSV. */
static bool fits_tsv(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\t' || text[i] == '\n' || text[i] == '\r') return false;
    return true;
}

static bool needs_quotes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r') return true;
    return length > 0 && (text[0] == ' ' || text[0] == '\t' || text[length - 1] == ' ' || text[length - 1] == '\t');
}

static void put_quoted(FILE *to, const char *text, size_t length)
{
    fputc('"', to);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') fputc('"', to);
        fputc(text[i], to);
    }
    fputc('"', to);
}

/* Begin a member of a JSON object. */
static void put_key(cli_prediction_table *t, const char *name)
{
    fputc(t->cells++ ? ',' : '{', t->to);
    cli_put_json(t->to, name, strlen(name));
    fputc(':', t->to);
}

/* Append a cell with a text; null: no value. `name` is its column. */
static bertc_status put_text(cli_prediction_table *t, const char *name, const char *text, size_t length,
                             bertc_error *err)
{
    if (t->format == CLI_JSONL) {
        put_key(t, name);
        if (text) cli_put_json(t->to, text, length);
        else fputs("null", t->to);
        return BERTC_OK;
    }
    if (t->format == CLI_TSV && !fits_tsv(text, length))
        return cli_fail(err, BERTC_INPUT,
                        "row %zu, column \"%.60s\": it contains a TAB or a line end, which TSV cannot "
                        "hold; --format csv and jsonl can",
                        t->rows, name);
    if (t->cells++ > 0) fputc(t->format == CLI_CSV ? ',' : '\t', t->to);
    if (t->format == CLI_CSV && needs_quotes(text, length)) put_quoted(t->to, text, length);
    else if (length > 0) fwrite(text, 1, length, t->to);
    return BERTC_OK;
}

/* Append a cell with a number. Nine digits represent a float exactly. */
static void put_number(cli_prediction_table *t, const char *name, double number)
{
    if (t->format == CLI_JSONL) put_key(t, name);
    else if (t->cells++ > 0) fputc(t->format == CLI_CSV ? ',' : '\t', t->to);
    fprintf(t->to, "%.9g", number);
}

/* End a row. A CSV row of one empty cell is written in quotes, because readers skip blank lines. */
static void end_row(cli_prediction_table *t, bool empty)
{
    if (t->format == CLI_CSV && t->cells == 1 && empty) fputs("\"\"", t->to);
    fputs(t->format == CLI_JSONL ? "}\n" : "\n", t->to);
    t->cells = 0;
}

/* ---- Header -------------------------------------------------------------------------------- */

enum { NAME = 40 };

/* The names of columns of best labels: "label_1", "probability_1". */
static void rank_name(char out[NAME], const char *what, size_t rank)
{
    snprintf(out, NAME, "%s_%zu", what, rank + 1);
}

/* Return the name of a column of the table; null after the last. `scratch` holds a name that is made. */
static const char *column_name(const cli_prediction_table *t, const bertc_dataset *set, size_t at, char scratch[NAME])
{
    static const char *const members[] = {"row", "index", "prediction", "probabilities", "top"};
    const size_t count = t->format == CLI_JSONL ? sizeof members / sizeof *members : 1;
    if (at < set->num_kept) return set->kept_names[at];
    at -= set->num_kept;
    bool index = t->format != CLI_JSONL && t->numbered && set->num_kept == 0;
    if (index && at-- == 0) return "index";
    if (at < count) return t->format == CLI_JSONL ? members[at] : "prediction";
    at -= count;
    if (t->format == CLI_JSONL) return NULL;
    size_t labels = t->probabilities ? (size_t)t->task->num_labels : 0;
    if (at < labels) return t->task->labels[at];
    at -= labels;
    if (at >= 2 * t->top) return NULL;
    rank_name(scratch, at % 2 ? "probability" : "label", at / 2);
    return scratch;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Check that no two columns have one name. */
static bertc_status check_names(const cli_prediction_table *t, const bertc_dataset *set, bertc_error *err)
{
    char scratch[NAME];
    size_t count = 0;
    bertc_status status = BERTC_OK;
    while (column_name(t, set, count, scratch)) count++;
    char **names = calloc(count, sizeof *names);
    for (size_t i = 0; names && i < count && status == BERTC_OK; i++) {
        names[i] = strdup(column_name(t, set, i, scratch));
        if (!names[i]) status = cli_fail_memory(err);
    }
    if (names && status == BERTC_OK) qsort(names, count, sizeof *names, by_text);
    for (size_t i = 1; names && i < count && status == BERTC_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status = cli_fail(err, BERTC_USAGE, "two columns of the output are named \"%.60s\"; %s", names[i],
                              set->num_kept > 0 ? "leave it out of --keep-columns"
                                                : "give --format jsonl, in which probabilities are an object");
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
    return names ? status : cli_fail_memory(err);
}

static bertc_status put_header(cli_prediction_table *t, const bertc_dataset *set, bertc_error *err)
{
    char scratch[NAME];
    const char *name;
    bertc_status status = check_names(t, set, err);
    if (status != BERTC_OK || t->format == CLI_JSONL) return status;
    for (size_t i = 0; status == BERTC_OK && (name = column_name(t, set, i, scratch)) != NULL; i++)
        status = put_text(t, name, name, strlen(name), err);
    if (status == BERTC_OK) end_row(t, false);
    return status;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Append the predicted labels, separated by commas; in JSON null, a name or for a set of labels a list. */
static bertc_status put_prediction(cli_prediction_table *t, const float *logits, bool *empty, bertc_error *err)
{
    static const char name[] = "prediction";
    bool one = t->task->kind == BERTC_CLASSIFICATION;
    *empty = false;
    if (is_regression(t)) {
        put_number(t, name, (double)logits[0]);
        return BERTC_OK;
    }
    size_t count = bertc_task_decide(t->task, logits, t->thresholds ? t->thresholds : t->stored, t->labels), used = 0;
    *empty = count == 0;
    if (t->format == CLI_JSONL && !one) {
        put_key(t, name);
        fputc('[', t->to);
        for (size_t i = 0; i < count; i++) {
            const char *label = t->task->labels[t->labels[i]];
            if (i > 0) fputc(',', t->to);
            cli_put_json(t->to, label, strlen(label));
        }
        fputc(']', t->to);
        return BERTC_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const char *label = t->task->labels[t->labels[i]];
        if (i > 0) t->text[used++] = ',';
        memcpy(t->text + used, label, strlen(label));
        used += strlen(label);
    }
    return put_text(t, name, count == 0 && t->format == CLI_JSONL ? NULL : t->text, used, err);
}

static void put_probabilities(cli_prediction_table *t)
{
    if (t->format == CLI_JSONL) {
        put_key(t, "probabilities");
        t->cells = 0;
    }
    for (int c = 0; c < t->task->num_labels; c++) put_number(t, t->task->labels[c], t->values[c]);
    if (t->format == CLI_JSONL) fputc('}', t->to);
}

/* Append the best labels, of which those below the threshold are left out. */
static bertc_status put_top(cli_prediction_table *t, const float *logits, bertc_error *err)
{
    bool json = t->format == CLI_JSONL;
    bertc_status status = bertc_task_rank(t->task, logits, t->labels, err);
    if (json) {
        put_key(t, "top");
        fputc('[', t->to);
    }
    for (size_t i = 0, listed = 0; i < t->top && status == BERTC_OK; i++) {
        int32_t label = t->labels[i];
        bool shown = !t->thresholds || t->values[label] >= t->thresholds[label];
        const char *name = shown ? t->task->labels[label] : "";
        if (json && !shown) continue;
        if (json && listed++ > 0) fputc(',', t->to);
        if (json) t->cells = 0;
        status = put_text(t, "label", name, strlen(name), err);
        if (shown) put_number(t, "probability", t->values[label]);
        else status = put_text(t, "probability", "", 0, err);
        if (json) fputc('}', t->to);
    }
    if (json) fputc(']', t->to);
    t->cells++; /* also if the list is empty */
    return status;
}

static bertc_status put_row(cli_prediction_table *t, const bertc_dataset *set, size_t row, const float *logits,
                            bertc_error *err)
{
    const bertc_example *example = &set->examples[row];
    bool json = t->format == CLI_JSONL, empty;
    char number[24];
    snprintf(number, sizeof number, "%zu", t->rows);
    bertc_status status = BERTC_OK;
    if (json) {
        put_key(t, "row");
        fputs(number, t->to);
    }
    bool index = example->index && set->num_kept == 0;
    if (index) status = put_text(t, "index", example->index, example->nindex, err);
    else if (!json && t->numbered && set->num_kept == 0) status = put_text(t, "index", number, strlen(number), err);
    for (size_t i = 0; i < set->num_kept && status == BERTC_OK; i++) {
        const bertc_cell *cell = &set->kept[row * set->num_kept + i];
        status = put_text(t, set->kept_names[i], cell->text, cell->length, err);
    }
    if (status == BERTC_OK) status = put_prediction(t, logits, &empty, err);
    if (status != BERTC_OK) return status;
    if (t->probabilities || t->top > 0) bertc_task_probabilities(t->task, logits, t->values);
    if (t->probabilities) put_probabilities(t);
    if (t->top > 0) status = put_top(t, logits, err);
    if (status == BERTC_OK) end_row(t, empty);
    return status;
}

bertc_status cli_prediction_table_put(cli_prediction_table *t, const bertc_dataset *dataset, const float *logits,
                                      bertc_error *err)
{
    bertc_status status = BERTC_OK;
    if (t->rows == 0 && !t->bare) status = put_header(t, dataset, err);
    for (size_t i = 0; i < dataset->count && status == BERTC_OK; i++, t->rows++)
        status = put_row(t, dataset, i, logits + i * (size_t)t->task->num_labels, err);
    return status;
}
