#include "train/state.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

typedef enum kind { WHOLE, SIZE, REAL } kind;

typedef struct state_row {
    const char *name;
    kind kind;
    size_t offset;
} state_row;

#define ROW(kind, type, name, member) {name, kind, offsetof(type, member)}
#define SCORES(prefix, member)                                                                     \
    ROW(REAL, bc_standing, prefix "_accuracy", member.value[BERTC_ACCURACY]),                      \
        ROW(REAL, bc_standing, prefix "_f1", member.value[BERTC_F1]),                              \
        ROW(REAL, bc_standing, prefix "_matthews", member.value[BERTC_MATTHEWS]),                  \
        ROW(REAL, bc_standing, prefix "_pearson", member.value[BERTC_PEARSON]),                    \
        ROW(REAL, bc_standing, prefix "_spearman", member.value[BERTC_SPEARMAN]),                  \
        ROW(REAL, bc_standing, prefix "_loss", member.loss),                                       \
        ROW(SIZE, bc_standing, prefix "_examples", member.examples)

_Static_assert(BERTC_METRICS == 5, "SCORES lists every metric");

static const state_row rows[] = {
    ROW(WHOLE, bc_state, "step", step),
    ROW(WHOLE, bc_state, "evaluated", evaluated),
    ROW(WHOLE, bc_state, "tokens", tokens),
    ROW(WHOLE, bc_state, "log_bytes", log_bytes),
    ROW(REAL, bc_state, "loss_sum", loss_sum),
};

/* Of each task; the names of all but the first end in its number. */
static const state_row task_rows[] = {
    SCORES("last", last),
    ROW(WHOLE, bc_standing, "best_step", best_step),
    SCORES("best", best),
};

enum { ROWS = sizeof rows / sizeof rows[0], TASK_ROWS = sizeof task_rows / sizeof task_rows[0] };

static void name_row(char name[32], const state_row *row, int task)
{
    if (task == 0) snprintf(name, 32, "%s", row->name);
    else snprintf(name, 32, "%s.%d", row->name, task);
}

static void put(bc_text *out, const state_row *row, int task, const void *from)
{
    const char *at = (const char *)from + row->offset;
    char number[BC_JSON_DOUBLE], name[32];
    name_row(name, row, task);
    bc_text_printf(out, "%s\"%s\":", row == rows ? "{" : ",", name);
    switch (row->kind) {
    case WHOLE: bc_text_printf(out, "%lld", (long long)*(const int64_t *)(const void *)at); break;
    case SIZE: bc_text_printf(out, "%zu", *(const size_t *)(const void *)at); break;
    case REAL:
        bc_json_double(number, *(const double *)(const void *)at);
        bc_text_printf(out, "%s", number);
        break;
    }
}

void bc_state_record(bc_text *out, const bc_state *state)
{
    for (size_t i = 0; i < ROWS; i++) put(out, &rows[i], 0, state);
    for (int t = 0; t < state->tasks; t++)
        for (size_t i = 0; i < TASK_ROWS; i++) put(out, &task_rows[i], t, &state->task[t]);
    bc_text_printf(out, "}");
}

static bertc_status take(const cJSON *tree, const state_row *row, int task, const char *place,
                         void *to, bertc_error *err)
{
    const int64_t most = 9007199254740992; /* whole in a double */
    void *at = (char *)to + row->offset;
    char name[32];
    name_row(name, row, task);
    const cJSON *item = bc_json_get(tree, name);
    int64_t whole = 0;
    if (row->kind == REAL) {
        *(double *)at = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
        return BERTC_OK;
    }
    bertc_status status = bc_json_int(tree, name, 0, most, place, &whole, err);
    if (row->kind == SIZE) *(size_t *)at = (size_t)whole;
    else *(int64_t *)at = whole;
    return status;
}

/* Is there anything of this task? */
static bool has_task(const cJSON *tree, int task)
{
    char name[32];
    name_row(name, &task_rows[0], task);
    return task == 0 || bc_json_get(tree, name);
}

bertc_status bc_state_parse(const char *text, const char *place, bc_state *state, bertc_error *err)
{
    cJSON *tree;
    *state = (bc_state){0};
    bertc_status status = bc_json_parse(text, strlen(text), place, &tree, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < ROWS && status == BERTC_OK; i++)
        status = take(tree, &rows[i], 0, place, state, err);
    for (; state->tasks < BERTC_MAX_TASKS && has_task(tree, (int)state->tasks); state->tasks++)
        for (size_t i = 0; i < TASK_ROWS && status == BERTC_OK; i++)
            status = take(tree, &task_rows[i], (int)state->tasks, place, &state->task[state->tasks], err);
    cJSON_Delete(tree);
    return status;
}
