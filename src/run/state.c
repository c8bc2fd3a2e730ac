#include "run/state.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

typedef enum kind { COUNT, SIZE, REAL } kind;

typedef struct row {
    const char *name;
    kind kind;
    size_t offset;
} row;

#define ROW(kind, name, member) {name, kind, offsetof(bc_state, member)}

static const row rows[] = {
    ROW(COUNT, "step", step),           ROW(COUNT, "evaluated", evaluated), ROW(COUNT, "tokens", tokens),
    ROW(COUNT, "log_bytes", log_bytes), ROW(REAL, "loss_sum", loss_sum),
};

/* Fields of each task. */
static const row task_rows[] = {
    {"best_step", COUNT, offsetof(bc_task_state, best_step)},
    {"first_loss", REAL, offsetof(bc_task_state, first_loss)},
    {"loss", REAL, offsetof(bc_task_state, loss)},
    {"best_loss", REAL, offsetof(bc_task_state, best_loss)},
    {"splits", SIZE, offsetof(bc_task_state, splits)},
};

enum { ROWS = sizeof rows / sizeof *rows, TASK_ROWS = sizeof task_rows / sizeof *task_rows };

/* Fields of each split's scores, last and best: a set of metrics, then two counts. */
enum { MAX_SCORE_ROWS = BERTC_METRICS + 2 };

static const uint32_t always = 1u << BERTC_ACCURACY | 1u << BERTC_F1 | 1u << BERTC_MATTHEWS | 1u << BERTC_PEARSON |
                               1u << BERTC_SPEARMAN | 1u << BERTC_LOSS;

static size_t list_score_rows(uint32_t metrics, row list[MAX_SCORE_ROWS])
{
    size_t count = 0;
    for (int m = 0; m < BERTC_METRICS; m++)
        if ((metrics | always) >> m & 1)
            list[count++] = (row){bertc_metric_name((bertc_metric)m), REAL,
                                  offsetof(bertc_scores, value) + (size_t)m * sizeof(double)};
    list[count++] = (row){"examples", SIZE, offsetof(bertc_scores, examples)};
    list[count++] = (row){"alike", SIZE, offsetof(bertc_scores, same_prediction)};
    return count;
}

static void put(bc_text *out, const char *open, const row *table, size_t count, const void *values)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const char *)values + table[i].offset;
        bc_text_printf(out, "%s\"%s\":", i ? "," : open, table[i].name);
        switch (table[i].kind) {
        case COUNT: bc_text_printf(out, "%lld", (long long)*(const int64_t *)at); break;
        case SIZE: bc_text_printf(out, "%zu", *(const size_t *)at); break;
        case REAL: bc_json_put_double(out, *(const double *)at); break;
        }
    }
}

static void put_scores(bc_text *out, const char *name, const bertc_scores *splits, size_t count, uint32_t metrics)
{
    row scores[MAX_SCORE_ROWS];
    size_t length = list_score_rows(metrics, scores);
    bc_text_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        bc_text_printf(out, i ? "," : "");
        put(out, "{", scores, length, &splits[i]);
        bc_text_printf(out, "}");
    }
    bc_text_printf(out, "]");
}

static void put_task(bc_text *out, const char *open, const bc_task_state *task, uint32_t metrics)
{
    put(out, open, task_rows, TASK_ROWS, task);
    put_scores(out, "last", task->last, task->splits, metrics);
    put_scores(out, "best", task->best, task->splits, metrics);
}

/* The fields of a single task are members of the object itself; several tasks are a list "tasks". */
void bc_state_record(bc_text *out, const bc_state *state, uint32_t metrics)
{
    put(out, "{", rows, ROWS, state);
    if (state->tasks == 1) put_task(out, ",", state->task, metrics);
    for (int64_t i = 0; i < state->tasks && state->tasks > 1; i++) {
        put_task(out, i ? ",{" : ",\"tasks\":[{", &state->task[i], metrics);
        bc_text_printf(out, "}");
    }
    bc_text_printf(out, state->tasks > 1 ? "]}" : "}");
}

/* Read the fields of a table; a missing REAL becomes NaN. */
static bertc_status take(const cJSON *tree, const row *table, size_t length, const char *place, void *values,
                         bertc_error *err)
{
    const int64_t max = 9007199254740992; /* a double holds every integer up to it */
    for (const row *from = table; from < table + length; from++) {
        void *at = (char *)values + from->offset;
        const cJSON *item = bc_json_get(tree, from->name);
        int64_t count = 0;
        bertc_status status = from->kind == REAL ? BERTC_OK : bc_json_int(tree, from->name, 0, max, place, &count, err);
        switch (from->kind) {
        case REAL: *(double *)at = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN; break;
        case SIZE: *(size_t *)at = (size_t)count; break;
        case COUNT: *(int64_t *)at = count; break;
        }
        if (status != BERTC_OK) return status;
    }
    return BERTC_OK;
}

static bertc_status take_scores(const cJSON *tree, const char *name, const char *place,
                                bertc_scores *splits, size_t count, bertc_error *err)
{
    const cJSON *list = bc_json_get(tree, name), *item;
    row scores[MAX_SCORE_ROWS];
    size_t length = list_score_rows(UINT32_MAX, scores);
    bertc_status status = BERTC_OK;
    if (!cJSON_IsArray(list) || (size_t)cJSON_GetArraySize(list) != count)
        return bc_fail(err, BERTC_INPUT, "%s: \"%s\" does not have the scores of %zu splits", place, name, count);
    cJSON_ArrayForEach(item, list)
    {
        if (status == BERTC_OK) status = take(item, scores, length, place, splits++, err);
    }
    return status;
}

static bertc_status take_task(const cJSON *tree, const char *place, bc_task_state *task, bertc_error *err)
{
    bertc_status status = take(tree, task_rows, TASK_ROWS, place, task, err);
    if (status == BERTC_OK && task->splits > BERTC_MAX_EVALS)
        status = bc_fail(err, BERTC_INPUT, "%s: more than %d splits", place, BERTC_MAX_EVALS);
    if (status == BERTC_OK) status = take_scores(tree, "last", place, task->last, task->splits, err);
    if (status != BERTC_OK) return status;
    return take_scores(tree, "best", place, task->best, task->splits, err);
}

static bertc_status take_tasks(const cJSON *tree, const char *place, bc_state *state, bertc_error *err)
{
    const cJSON *list = bc_json_get(tree, "tasks"), *item;
    bertc_status status = BERTC_OK;
    if (!list) {
        state->tasks = 1;
        return take_task(tree, place, state->task, err);
    }
    if (cJSON_GetArraySize(list) > BERTC_MAX_TASKS)
        return bc_fail(err, BERTC_INPUT, "%s: more than %d tasks", place, BERTC_MAX_TASKS);
    cJSON_ArrayForEach(item, list)
    {
        if (status == BERTC_OK) status = take_task(item, place, &state->task[state->tasks++], err);
    }
    return status;
}

bertc_status bc_state_parse(const char *text, const char *place, bc_state *state, bertc_error *err)
{
    cJSON *tree;
    *state = (bc_state){0};
    bertc_status status = bc_json_parse(text, strlen(text), place, &tree, err);
    if (status != BERTC_OK) return status;
    status = take(tree, rows, ROWS, place, state, err);
    if (status == BERTC_OK) status = take_tasks(tree, place, state, err);
    cJSON_Delete(tree);
    return status;
}
