/* Evaluation of the dev split during a run, and the result at its end.
 *
 * The result is written in an order that a crash cannot confuse: run.json comes last and says that
 * all the rest is there; until then the run counts as unfinished and goes on from its checkpoint.
 * Where it cannot be written, what was trained becomes a checkpoint if that can be, and nothing
 * stays that looks like a result. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "formats/model_dir.h"
#include "train/manifest.h"
#include "train/record.h"

/* ---- Evaluation ---------------------------------------------------------------------------- */

int64_t bc_run_kept_step(const bc_run *run, int lane)
{
    int64_t best = run->state.task[lane].best_step;
    return run->options.keep == BERTC_KEEP_BEST && best > 0 ? best : run->state.step;
}

const bertc_scores *bc_run_kept_scores(const bc_run *run, int lane)
{
    const bc_standing *task = &run->state.task[lane];
    return bc_run_kept_step(run, lane) == task->best_step ? &task->best : &task->last;
}

/* Is the primary metric better than before? NaN never is, and of equals the earlier stays. */
static bool is_best(const bc_lane *lane, const bc_standing *standing)
{
    bertc_metric primary = lane->task->metrics[0];
    double value = standing->last.value[primary];
    if (isnan(value)) return false;
    return standing->best_step == 0 || value > standing->best.value[primary];
}

static bertc_status log_scores(bc_run *run, int lane, double seconds, bertc_error *err)
{
    bc_text line = {0};
    char epoch[BC_JSON_DOUBLE];
    bc_json_double(epoch, bc_run_epochs(run, run->state.step));
    bc_text_printf(&line, "{\"step\":%lld,\"epoch\":%s,\"eval\":", (long long)run->state.step,
                   epoch);
    bc_record_scores(&line, run->lanes[lane].task, BERTC_DEV, &run->state.task[lane].last);
    bc_text_printf(&line, ",\"seconds\":%.4f}\n", seconds);
    bertc_status status = line.failed ? bc_fail_memory(err)
                                      : bc_log_append(&run->log, line.bytes, line.length, err);
    bc_text_clear(&line);
    return status;
}

/* What the evaluation of all lanes found; it counts once all are there. */
typedef struct findings {
    bertc_scores scores[BERTC_MAX_TASKS];
    double seconds[BERTC_MAX_TASKS];
} findings;

static bertc_status evaluate_lane(bc_run *run, int lane, findings *found, bertc_error *err)
{
    bc_eval *dev = &run->lanes[lane].dev;
    bc_model_use_head(run->model, lane);
    bertc_status status =
        bc_eval_run(dev, run->model, run->workspace, run->batch, &run->meter, err);
    found->seconds[lane] = run->meter.pass_seconds;
    if (status != BERTC_OK) return status;
    return bertc_task_score(dev->dataset, dev->logits, &found->scores[lane], err);
}

/* Take the scores; *best is set where they are the best so far of any task. */
static void take_scores(bc_run *run, const findings *found, bool *best)
{
    bc_state *state = &run->state;
    state->evaluated = state->step;
    run->meter.pass_seconds = 0;
    for (int i = 0; i < run->num_lanes; i++) {
        bc_standing *task = &state->task[i];
        task->last = found->scores[i];
        run->meter.pass_seconds += found->seconds[i];
        if (!is_best(&run->lanes[i], task)) continue;
        task->best_step = state->step;
        task->best = task->last;
        *best = true;
    }
}

bertc_status bc_run_evaluate(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    findings found;
    bool best = false;
    bc_optim_settle(&run->optim);
    for (int i = 0; i < run->num_lanes && status == BERTC_OK; i++)
        status = evaluate_lane(run, i, &found, err);
    if (status != BERTC_OK) return status;
    take_scores(run, &found, &best);
    if (best && run->options.keep == BERTC_KEEP_BEST && run->state.step < run->steps)
        status = bc_run_save_best(run, err);
    for (int i = 0; i < run->num_lanes && status == BERTC_OK; i++)
        status = log_scores(run, i, found.seconds[i], err);
    return status;
}

/* ---- The result ---------------------------------------------------------------------------- */

char *bc_run_lane_folder(const bc_run *run, int lane)
{
    const char *path = run->folder.path;
    if (run->num_lanes == 1) return bc_strndup(path, strlen(path));
    return bc_path_join(path, run->lanes[lane].task->name);
}

static bertc_status write_text(const char *folder, const char *name, bc_text *text,
                               bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    bertc_status status = path && !text->failed
                              ? bc_file_write(path, text->bytes, text->length, err)
                              : bc_fail_memory(err);
    bc_free(path);
    bc_text_clear(text);
    return status;
}

static bertc_status write_scores(const bc_run *run, int lane, const char *folder, bertc_error *err)
{
    bc_text text = {0};
    bc_record_scores(&text, run->lanes[lane].task, BERTC_DEV, bc_run_kept_scores(run, lane));
    bc_text_printf(&text, "\n");
    return write_text(folder, "eval.json", &text, err);
}

/* The scores of all lanes, where there are several. */
static bertc_status write_all_scores(const bc_run *run, bertc_error *err)
{
    bc_text text = {0};
    for (int i = 0; i < run->num_lanes; i++) {
        bc_text_printf(&text, i ? ",\n " : "[");
        bc_record_scores(&text, run->lanes[i].task, BERTC_DEV, bc_run_kept_scores(run, i));
    }
    bc_text_printf(&text, "]\n");
    return write_text(run->folder.path, "eval.json", &text, err);
}

static bertc_status write_record(const bc_run *run, bertc_error *err)
{
    bc_text text = {0};
    bertc_status status = bc_record_run(&text, run, err);
    if (status == BERTC_OK) return write_text(run->folder.path, "run.json", &text, err);
    bc_text_clear(&text);
    return status;
}

static bertc_status write_lane_record(const bc_run *run, int lane, const char *folder,
                                      bertc_error *err)
{
    bc_text text = {0};
    bc_record_lane(&text, run, lane);
    return write_text(folder, "run.json", &text, err);
}

static void restore_dropout(bc_run *run)
{
    bertc_config *c = &run->model->config;
    c->hidden_dropout_prob = run->dropout[0];
    c->attention_probs_dropout_prob = run->dropout[1];
    c->classifier_dropout = run->dropout[2];
}

static bertc_status write_values(bc_run *run, const float *values, const char *folder,
                                 bertc_error *err)
{
    const bc_param *bad = bc_run_find_bad(run, values);
    if (bad)
        return bc_fail(err, BERTC_DIVERGED, "step %lld: the weights %s are not finite",
                       (long long)run->state.step, bad->name);
    restore_dropout(run);
    return bc_model_save_values(run->model, values, folder, err);
}

/* The weights to keep are the model's, or the best ones, straight from their file: the last ones
 * stay in memory, so that the state can still be saved. */
static bertc_status write_model(bc_run *run, int lane, const char *folder, bertc_error *err)
{
    bc_safetensors best;
    const float *values;
    bc_optim_settle(&run->optim);
    bc_model_use_head(run->model, lane);
    if (bc_run_kept_step(run, lane) == run->state.step)
        return write_values(run, run->model->values, folder, err);
    bertc_status status = bc_run_open_best(run, lane, &best, &values, err);
    if (status == BERTC_OK) status = write_values(run, values, folder, err);
    bc_safetensors_close(&best);
    return status;
}

/* The words of a model that has them in tokenizer.json only. They stand there as they are read, so
 * both files say the same. */
static bertc_status write_vocab(const bc_run *run, const char *folder, bertc_error *err)
{
    char *path = bc_path_join(folder, "vocab.txt");
    bertc_status status = path ? BERTC_OK : bc_fail_memory(err);
    if (path && !bc_file_exists(path)) {
        size_t length;
        const char *text = bertc_vocab_text(run->source.vocab, &length);
        status = bc_file_write(path, text, length, err);
    }
    bc_free(path);
    return status;
}

static bertc_status write_lane(bc_run *run, int lane, bertc_error *err)
{
    char *folder = bc_run_lane_folder(run, lane);
    bertc_status status = folder ? bc_folder_create(folder, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = write_model(run, lane, folder, err);
    if (status == BERTC_OK)
        status = bc_model_dir_copy_tokenizer(run->options.model, folder, err);
    if (status == BERTC_OK) status = write_vocab(run, folder, err);
    if (status == BERTC_OK) status = write_scores(run, lane, folder, err);
    if (status == BERTC_OK && run->num_lanes > 1)
        status = write_lane_record(run, lane, folder, err);
    bc_free(folder);
    return status;
}

static bertc_status write_result(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (int i = 0; i < run->num_lanes && status == BERTC_OK; i++) status = write_lane(run, i, err);
    if (status == BERTC_OK && run->num_lanes > 1) status = write_all_scores(run, err);
    if (status == BERTC_OK) status = bc_log_sync(&run->log, err);
    return status == BERTC_OK ? write_record(run, err) : status;
}

static void remove_member(const bc_run *run, const char *name)
{
    char *path = bc_path_join(run->folder.path, name);
    if (path) unlink(path);
    bc_free(path);
}

static void remove_folders(const bc_run *run)
{
    for (int i = 0; i < run->num_lanes && run->num_lanes > 1; i++) {
        char *path = bc_run_lane_folder(run, i);
        if (path) rmdir(path);
        bc_free(path);
    }
}

/* Take back what there is of a result, run.json first: without it the rest stands for nothing. The
 * log goes too where no checkpoint needs it. */
static void withdraw(const bc_run *run)
{
    bc_member member;
    remove_member(run, "run.json");
    for (size_t i = 0; bc_manifest_member(run, i, &member); i++) remove_member(run, member.path);
    remove_folders(run);
    if (run->saved[0] == 0) remove_member(run, "log.jsonl");
}

bertc_status bc_run_finish(bc_run *run, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = write_result(run, &why);
    if (status == BERTC_OK) {
        bc_folder_clear_work(&run->folder);
        return BERTC_OK;
    }
    bool saved = run->saved[0] == run->state.step || bc_run_save(run, NULL) == BERTC_OK;
    withdraw(run);
    return bc_fail(err, status, "%s%s", why.message,
                   saved ? "; the training is saved, go on with --resume" : "");
}
