/* The report on a data set as JSON, and the table of its numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "bertc/data.h"

#define COUNT(member) offsetof(bertc_data_split, member)

static const bertc_data_count counts[] = {
    {"rows", "rows", COUNT(rows), false, false},
    {"official rows", "official_rows", COUNT(official_rows), false, true},
    {"short rows, skipped", "skipped_short", COUNT(skipped_short), false, true},
    {"no gold label, skipped", "skipped_label", COUNT(skipped_label), false, true},
    {"labelled", "labelled", COUNT(labelled), false, false},
    {"empty texts", "empty", COUNT(empty), false, false},
    {"invalid UTF-8", "invalid_utf8", COUNT(invalid), false, false},
    {"duplicates", "duplicates", COUNT(repeats.duplicates), false, false},
    {"conflicting labels", "conflicts", COUNT(repeats.conflicts), false, false},
    {"texts also in train", "in_train", COUNT(repeats.shared[BERTC_TRAIN]), false, false},
    {"texts also in dev", "in_dev", COUNT(repeats.shared[BERTC_DEV]), false, false},
    {"texts also in test", "in_test", COUNT(repeats.shared[BERTC_TEST]), false, false},
    {"shortest", "shortest", COUNT(lengths.min), true, false},
    {"median", "median", COUNT(lengths.median), true, false},
    {"90 %", "p90", COUNT(lengths.p90), true, false},
    {"95 %", "p95", COUNT(lengths.p95), true, false},
    {"99 %", "p99", COUNT(lengths.p99), true, false},
    {"longest", "longest", COUNT(lengths.max), true, false},
    {"texts that are cut", "cut", COUNT(cut), true, true},
};

const bertc_data_count *bertc_data_count_table(size_t *count)
{
    if (count) *count = sizeof counts / sizeof *counts;
    return counts;
}

static void put_lines(bc_text *out, const char *name, size_t count, bertc_row_pair pair, const char **separator)
{
    if (count == 0) return;
    bc_text_printf(out, "%s\"%s\":[%zu,%zu]", *separator, name, pair.first, pair.second);
    *separator = ",";
}

static void put_labels(bc_text *out, const bertc_task *task, const bertc_data_split *split)
{
    bc_text_printf(out, ",\"labels\":{");
    for (int i = 0; i < task->num_labels; i++) {
        bc_text_printf(out, i ? "," : "");
        bc_text_quote(out, task->labels[i]);
        bc_text_printf(out, ":%zu", split->class_rows[i]);
    }
    bc_text_printf(out, "}");
}

static void put_number(bc_text *out, const char *name, double value)
{
    bc_text_printf(out, ",\"%s\":", name);
    if (isfinite(value)) bc_json_put_double(out, value);
    else bc_text_printf(out, "null");
}

static void put_split(bc_text *out, const bertc_data_report *report, bertc_split s)
{
    static const char *const shared[BERTC_SPLITS] = {"in_train", "in_dev", "in_test"};
    const bertc_data_split *split = &report->splits[s];
    const bertc_repeats *r = &split->repeats;
    const char *separator = "";
    bc_text_printf(out, "\"%s\":{\"file\":", bertc_split_name(s));
    bc_text_quote(out, split->path);
    bc_text_printf(out, ",\"columns\":");
    bc_text_quote(out, split->columns);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        bc_text_printf(out, ",\"%s\":%zu", counts[i].key, *(const size_t *)((const char *)split + counts[i].offset));
    if (split->class_rows) put_labels(out, report->task, split);
    if (report->task->kind == BERTC_REGRESSION) {
        put_number(out, "min", split->min);
        put_number(out, "max", split->max);
        put_number(out, "mean", split->mean);
        put_number(out, "deviation", split->deviation);
    }
    bc_text_printf(out, ",\"lines\":{");
    put_lines(out, "duplicates", r->duplicates, r->duplicate, &separator);
    put_lines(out, "conflicts", r->conflicts, r->conflict, &separator);
    for (int other = 0; other < BERTC_SPLITS; other++)
        put_lines(out, shared[other], r->shared[other], r->shared_row[other], &separator);
    bc_text_printf(out, "}}");
}

bertc_status bertc_data_json(const bertc_data_report *report, char **json, bertc_error *err)
{
    if (!report || !report->task || !json) return bc_fail_null(err, __func__, "report, its task and json");
    *json = NULL;
    bc_text out = {0};
    const char *separator = "";
    bc_text_printf(&out, "{\"task\":");
    bc_text_quote(&out, report->task->name);
    bc_text_printf(&out, ",\"kind\":\"%s\",\"unit\":\"%s\",\"max_length\":", bertc_kind_name(report->task->kind),
                   report->tokens ? "tokens" : "characters");
    if (report->tokens) bc_text_printf(&out, "%zu", report->max_length);
    else bc_text_printf(&out, "null");
    bc_text_printf(&out, ",\"splits\":{");
    for (int s = 0; s < BERTC_SPLITS; s++) {
        if (!report->splits[s].path) continue;
        bc_text_printf(&out, "%s", separator);
        put_split(&out, report, (bertc_split)s);
        separator = ",";
    }
    bc_text_printf(&out, "}}");
    if (out.failed) {
        bc_text_clear(&out);
        return bc_fail_memory(err);
    }
    *json = out.bytes;
    return BERTC_OK;
}
