#include "train/record.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/adapt.h"
#include "train/manifest.h"
#include "train/options.h"

static void put_double(bc_text *out, double value)
{
    char number[BC_JSON_DOUBLE];
    bc_json_double(number, value);
    bc_text_printf(out, "%s", number);
}

void bc_record_scores(bc_text *out, const bertc_task *task, bertc_split split,
                      const bertc_scores *scores)
{
    bc_text_printf(out, "{\"task\":\"%s\",\"split\":\"%s\",\"examples\":%zu,\"loss\":", task->name,
                   bertc_split_name(split), scores->examples);
    put_double(out, scores->loss);
    bc_text_printf(out, ",\"metrics\":{");
    for (int i = 0; i < task->num_metrics; i++) {
        bc_text_printf(out, "%s\"%s\":", i ? "," : "", bertc_metric_name(task->metrics[i]));
        put_double(out, scores->value[task->metrics[i]]);
    }
    bc_text_printf(out, "}}");
}

/* ---- Hashes -------------------------------------------------------------------------------- */

/* What a difference in data can follow from stands behind it: it is compared first. */
static const struct {
    const char *key, *differs;
    size_t offset;
} prints_rows[] = {
    {"weights", "the initial weights are not those", offsetof(bc_prints, weights)},
    {"train", "the training data are not those", offsetof(bc_prints, train)},
    {"dev", "the dev data are not those", offsetof(bc_prints, dev)},
    {"vocab", "the vocabulary is not the one", offsetof(bc_prints, vocab)},
    {"tokenizer", "the settings of the tokenizer are not those", offsetof(bc_prints, tokenizer)},
    {"config", "the model's config.json is not the one", offsetof(bc_prints, config)},
};

enum { PRINTS = sizeof prints_rows / sizeof prints_rows[0] };

void bc_record_prints(bc_text *out, const bc_prints *prints)
{
    for (int i = 0; i < PRINTS; i++)
        bc_text_printf(out, "%s\"%s\":\"%s\"", i ? "," : "{", prints_rows[i].key,
                       (const char *)prints + prints_rows[i].offset);
    bc_text_printf(out, "}");
}

bertc_status bc_compare_prints(const bc_prints *prints, const cJSON *stored, const char *place,
                               bertc_error *err)
{
    for (int i = PRINTS - 1; i >= 0; i--) {
        const cJSON *was = bc_json_get(stored, prints_rows[i].key);
        if (cJSON_IsString(was) &&
            strcmp(was->valuestring, (const char *)prints + prints_rows[i].offset) == 0)
            continue;
        return bc_fail(err, BERTC_USAGE, "%s: %s that this run began with", place,
                       prints_rows[i].differs);
    }
    return BERTC_OK;
}

/* ---- run.json ------------------------------------------------------------------------------ */

static void put_counts(bc_text *out, const char *name, const bc_counts *c)
{
    bc_text_printf(out,
                   "\"%s\":{\"examples\":%zu,\"skipped\":%zu,\"ungraded\":%zu,\"truncated\":%zu,"
                   "\"invalid_utf8\":%zu}",
                   name, c->examples, c->skipped, c->ungraded, c->truncated, c->invalid);
}

static void put_libraries(bc_text *out)
{
    char libraries[1024];
    bertc_describe_libraries(libraries, sizeof libraries);
    size_t length = strlen(libraries);
    while (length > 0 && libraries[length - 1] == '\n') libraries[--length] = '\0';
    bc_text_quote(out, libraries);
}

static void put_labels(bc_text *out, const bertc_config *config)
{
    for (int32_t i = 0; i < config->num_labels; i++) {
        bc_text_printf(out, i ? "," : "[");
        bc_text_quote(out, config->labels[i]);
    }
    bc_text_printf(out, "]");
}

bertc_status bc_record_run(bc_text *out, const bc_run *run, bertc_error *err)
{
    bc_text_printf(out, "{\"bertc\":\"%s\",\"libraries\":", bertc_version());
    put_libraries(out);
    bc_text_printf(out, ",\n \"options\":");
    bc_options_record(out, &run->options);
    bc_text_printf(out, ",\n \"xxh3\":");
    bc_record_prints(out, &run->prints);
    bc_text_printf(out, ",\n ");
    put_counts(out, "train", &run->train_counts);
    bc_text_printf(out, ",\n ");
    put_counts(out, "dev", &run->dev_counts);
    bc_text_printf(out, ",\n \"labels\":");
    put_labels(out, bertc_model_config(run->model));
    bc_text_printf(out, ",\"parameters\":%zu,", bertc_model_parameters(run->model));
    bc_text_printf(out, "\"steps\":%lld,\"warmup_steps\":%lld,\"eval_every\":%lld,"
                   "\"kept_step\":%lld,\"tokens\":%lld,",
                   (long long)run->state.step, (long long)run->warmup, (long long)run->eval_every,
                   (long long)bc_run_kept_step(run),
                   (long long)run->state.tokens);
    bc_text_printf(out, "\"train_loss\":");
    put_double(out, run->state.loss_sum / (double)run->state.step);
    bc_text_printf(out, ",\n ");
    bertc_status status = bc_manifest_record(out, run->folder.path, bc_adapt_saves_adapter(&run->options), err);
    bc_text_printf(out, "}\n");
    return status;
}

/* ---- Reading back -------------------------------------------------------------------------- */

static double number_or_nan(const cJSON *item)
{
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static bertc_status read_member(const char *folder, const char *name, cJSON **tree,
                                bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    bertc_status status = path ? bc_json_read(path, tree, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static void take_scores(const cJSON *tree, const bertc_task *task, bertc_scores *scores)
{
    const cJSON *metrics = bc_json_get(tree, "metrics");
    double examples = number_or_nan(bc_json_get(tree, "examples"));
    *scores = (bertc_scores){.loss = number_or_nan(bc_json_get(tree, "loss"))};
    scores->examples = examples >= 0 && examples <= 1e15 ? (size_t)examples : 0;
    for (int i = 0; i < task->num_metrics; i++)
        scores->value[task->metrics[i]] =
            number_or_nan(bc_json_get(metrics, bertc_metric_name(task->metrics[i])));
}

bertc_status bc_record_read(const char *folder, const bertc_train_options *options,
                            const bertc_task *task, bertc_train_result *result, bertc_error *err)
{
    cJSON *run = NULL, *eval = NULL;
    bertc_status status = read_member(folder, "run.json", &run, err);
    if (status == BERTC_OK)
        status = bc_options_compare(options, bc_json_get(run, "options"), folder, err);
    if (status == BERTC_OK) status = bc_manifest_check(run, folder, err);
    if (status == BERTC_OK) status = read_member(folder, "eval.json", &eval, err);
    if (status == BERTC_OK) {
        double steps = number_or_nan(bc_json_get(run, "steps"));
        result->steps = steps >= 0 && steps <= 1e15 ? (int64_t)steps : 0;
        result->train_loss = number_or_nan(bc_json_get(run, "train_loss"));
        take_scores(eval, task, &result->scores);
    }
    cJSON_Delete(run);
    cJSON_Delete(eval);
    return status;
}
