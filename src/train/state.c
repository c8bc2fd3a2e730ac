#include "train/state.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

typedef enum kind { WHOLE, SIZE, REAL } kind;

typedef struct state_row {
    const char *name;
    kind kind;
    size_t offset;
} state_row;

#define ROW(kind, name, member) {name, kind, offsetof(bc_state, member)}
#define SCORES(prefix, member)                                                                     \
    ROW(REAL, prefix "_accuracy", member.value[BERTC_ACCURACY]),                                   \
        ROW(REAL, prefix "_f1", member.value[BERTC_F1]),                                           \
        ROW(REAL, prefix "_matthews", member.value[BERTC_MATTHEWS]),                               \
        ROW(REAL, prefix "_pearson", member.value[BERTC_PEARSON]),                                 \
        ROW(REAL, prefix "_spearman", member.value[BERTC_SPEARMAN]),                               \
        ROW(REAL, prefix "_loss", member.loss), ROW(SIZE, prefix "_examples", member.examples)

_Static_assert(BERTC_METRICS == 5, "SCORES lists every metric");

static const state_row rows[] = {
    ROW(WHOLE, "step", step),
    ROW(WHOLE, "evaluated", evaluated),
    ROW(WHOLE, "tokens", tokens),
    ROW(WHOLE, "log_bytes", log_bytes),
    ROW(REAL, "loss_sum", loss_sum),
    SCORES("last", last),
    ROW(WHOLE, "best_step", best_step),
    SCORES("best", best),
};

enum { ROWS = sizeof rows / sizeof rows[0] };

void bc_state_record(bc_text *out, const bc_state *state)
{
    for (size_t i = 0; i < ROWS; i++) {
        const char *at = (const char *)state + rows[i].offset;
        char number[BC_JSON_DOUBLE];
        bc_text_printf(out, "%s\"%s\":", i ? "," : "{", rows[i].name);
        switch (rows[i].kind) {
        case WHOLE: bc_text_printf(out, "%lld", (long long)*(const int64_t *)(const void *)at); break;
        case SIZE: bc_text_printf(out, "%zu", *(const size_t *)(const void *)at); break;
        case REAL:
            bc_json_double(number, *(const double *)(const void *)at);
            bc_text_printf(out, "%s", number);
            break;
        }
    }
    bc_text_printf(out, "}");
}

static bertc_status take(const cJSON *tree, const state_row *row, const char *place,
                         bc_state *state, bertc_error *err)
{
    const int64_t most = 9007199254740992; /* whole in a double */
    void *at = (char *)state + row->offset;
    const cJSON *item = bc_json_get(tree, row->name);
    int64_t whole = 0;
    if (row->kind == REAL) {
        *(double *)at = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
        return BERTC_OK;
    }
    bertc_status status = bc_json_int(tree, row->name, 0, most, place, &whole, err);
    if (row->kind == SIZE) *(size_t *)at = (size_t)whole;
    else *(int64_t *)at = whole;
    return status;
}

bertc_status bc_state_parse(const char *text, const char *place, bc_state *state, bertc_error *err)
{
    cJSON *tree;
    *state = (bc_state){0};
    bertc_status status = bc_json_parse(text, strlen(text), place, &tree, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < ROWS && status == BERTC_OK; i++)
        status = take(tree, &rows[i], place, state, err);
    cJSON_Delete(tree);
    return status;
}
