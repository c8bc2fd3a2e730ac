/* Evaluation during a run, and the result at its end.
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
#include "nn/adapter.h"
#include "train/adapt.h"
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
    return bc_run_kept_step(run, lane) == task->best_step ? task->best : task->last;
}

static double value_of(const bc_run *run, int lane, const bertc_scores *scores)
{
    return bc_scored_value(&run->options, run->lanes[lane].scored[0].task, &scores[0]);
}

/* Is the first split's metric better than before? NaN never is, and of equals the earlier stays. */
static bool is_best(const bc_run *run, int lane)
{
    const bc_standing *task = &run->state.task[lane];
    double value = value_of(run, lane, task->last);
    if (isnan(value)) return false;
    return task->best_step == 0 || value > value_of(run, lane, task->best);
}

/* The last step at which a task was better than before; 0: none. */
static int64_t best_step(const bc_run *run)
{
    int64_t step = 0;
    for (int i = 0; i < run->num_lanes; i++)
        if (run->state.task[i].best_step > step) step = run->state.task[i].best_step;
    return step;
}

/* Evaluations since the best one of any task; the last of a run may come early, but nothing comes
 * after it. */
static int64_t evaluations_in_vain(const bc_run *run)
{
    return run->eval_every > 0 ? (run->state.evaluated - best_step(run)) / run->eval_every : 0;
}

bool bc_run_is_over(const bc_run *run)
{
    int64_t patience = run->options.patience;
    if (run->state.step == run->steps) return true;
    return patience > 0 && evaluations_in_vain(run) >= patience;
}

size_t bc_run_eval_tokens(const bc_run *run)
{
    size_t tokens = 0;
    for (const bc_lane *lane = run->lanes; lane < run->lanes + run->num_lanes; lane++)
        for (size_t i = 0; i < lane->eval_count; i++)
            tokens += lane->evals[i].inputs->starts[lane->evals[i].inputs->count];
    return tokens;
}

static bertc_status log_scores(bc_run *run, bc_scored split, const bertc_scores *scores,
                               double seconds, bertc_error *err)
{
    bc_text line = {0};
    char epoch[BC_JSON_DOUBLE];
    bc_json_double(epoch, bc_run_epochs(run, run->state.step));
    bc_text_printf(&line, "{\"step\":%lld,\"epoch\":%s,\"eval\":", (long long)run->state.step,
                   epoch);
    bc_record_scores(&line, split, scores);
    bc_text_printf(&line, ",\"seconds\":%.4f}\n", seconds);
    bertc_status status = line.failed ? bc_fail_memory(err)
                                      : bc_log_append(&run->log, line.bytes, line.length, err);
    bc_text_clear(&line);
    return status;
}

/* What an evaluation found in a lane; it counts once those of all lanes are there. */
typedef struct findings {
    bertc_scores scores[BERTC_MAX_EVALS];
    double seconds[BERTC_MAX_EVALS]; /* that each split took */
} findings;

static bertc_status score(bc_run *run, int number, findings *found, bertc_error *err)
{
    bc_lane *lane = &run->lanes[number];
    bc_model_use_head(run->model, number);
    for (size_t i = 0; i < lane->eval_count; i++) {
        bc_eval *eval = &lane->evals[i];
        bertc_status status =
            bc_eval_run(eval, run->model, run->workspace, run->batch, &run->meter, err);
        if (status == BERTC_OK)
            status = bertc_task_score(eval->dataset, eval->logits, &found->scores[i], err);
        if (status != BERTC_OK) return status;
        found->seconds[i] = run->meter.pass_seconds;
    }
    return BERTC_OK;
}

/* Take the scores of all lanes; whether those of one are the best so far. */
static bool take_scores(bc_run *run, const findings found[BERTC_MAX_TASKS])
{
    bool best = false;
    run->state.evaluated = run->state.step;
    run->meter.pass_seconds = 0;
    for (int i = 0; i < run->num_lanes; i++) {
        bc_standing *task = &run->state.task[i];
        memcpy(task->last, found[i].scores, sizeof task->last);
        for (size_t e = 0; e < task->splits; e++) run->meter.pass_seconds += found[i].seconds[e];
        if (!is_best(run, i)) continue;
        task->best_step = run->state.step;
        task->best_loss = task->loss;
        memcpy(task->best, task->last, sizeof task->best);
        best = true;
    }
    return best;
}

static bertc_status log_all(bc_run *run, const findings found[BERTC_MAX_TASKS], bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (int l = 0; l < run->num_lanes; l++)
        for (size_t i = 0; i < run->lanes[l].eval_count && status == BERTC_OK; i++)
            status = log_scores(run, run->lanes[l].scored[i], &found[l].scores[i],
                                found[l].seconds[i], err);
    return status;
}

/* Say so where this was the last evaluation that is waited for. */
static void notify_end(const bc_run *run)
{
    const bertc_notify *notify = bc_meter_notify(&run->meter);
    long long step = (long long)run->state.step, best = (long long)best_step(run);
    const char *name = bc_scored_best_name(&run->options, run->lanes->scored[0].task);
    if (step == run->steps || !bc_run_is_over(run)) return;
    if (run->num_lanes > 1) name = "score of any task";
    if (best > 0)
        bc_notify(notify, "step %lld: no better %s since step %lld, the run ends", step, name, best);
    else bc_notify(notify, "step %lld: the %s never had a value, the run ends", step, name);
}

bertc_status bc_run_evaluate(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    findings found[BERTC_MAX_TASKS] = {0};
    bc_optim_settle(&run->optim);
    for (int i = 0; i < run->num_lanes && status == BERTC_OK; i++)
        status = score(run, i, &found[i], err);
    if (status != BERTC_OK) return status;
    bool best = take_scores(run, found);
    if (best && run->options.keep == BERTC_KEEP_BEST && run->state.step < run->steps)
        status = bc_run_save_best(run, err);
    if (status == BERTC_OK) status = log_all(run, found, err);
    if (status == BERTC_OK) notify_end(run);
    return status;
}

/* ---- The result ---------------------------------------------------------------------------- */

char *bc_run_lane_folder(const bc_run *run, int lane)
{
    const char *path = run->folder.path;
    if (run->num_lanes == 1) return bc_strndup(path, strlen(path));
    return bc_path_join(path, run->lanes[lane].task->name);
}

static bertc_status write_text(bc_run *run, const char *folder, const char *name, bc_text *text,
                               bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    bertc_status status = path && !text->failed
                              ? bc_file_write_noted(&run->written, path, text->bytes, text->length, err)
                              : bc_fail_memory(err);
    bc_free(path);
    bc_text_clear(text);
    return status;
}

/* The scores of one lane, or of all. */
static bertc_status write_scores(bc_run *run, int lane, int lanes, const char *folder,
                                 bertc_error *err)
{
    bc_text text = {0};
    bc_record_evals(&text, run, lane, lanes);
    return write_text(run, folder, "eval.json", &text, err);
}

static bertc_status write_record(bc_run *run, bertc_error *err)
{
    bc_text text = {0};
    bertc_status status = bc_record_run(&text, run, err);
    if (status == BERTC_OK) return write_text(run, run->folder.path, "run.json", &text, err);
    bc_text_clear(&text);
    return status;
}

static bertc_status write_lane_record(bc_run *run, int lane, const char *folder,
                                      bertc_error *err)
{
    bc_text text = {0};
    bc_record_lane(&text, run, lane);
    return write_text(run, folder, "run.json", &text, err);
}

static void restore_dropout(bc_run *run)
{
    bertc_config *c = &run->model->config;
    c->hidden_dropout_prob = run->dropout[0];
    c->attention_probs_dropout_prob = run->dropout[1];
    c->classifier_dropout = run->dropout[2];
}

/* Those that come from a file were checked before that was written. */
static bertc_status write_values(bc_run *run, const bc_values *values, const char *folder,
                                 bertc_error *err)
{
    const bc_param *bad = values->memory ? bc_run_find_bad(run, values->memory) : NULL;
    if (bad)
        return bc_fail(err, BERTC_DIVERGED, "step %lld: the weights %s are not finite",
                       (long long)run->state.step, bad->name);
    restore_dropout(run);
    if (bc_adapt_saves_adapter(&run->options))
        return bc_model_save_adapter(run->model, values, run->options.model, folder, &run->written, err);
    return bc_model_save_values(run->model, values, folder, &run->written, err);
}

/* The weights to keep are the model's, or the best ones, straight from their file: the last ones
 * stay in memory, so that the state can still be saved. */
static bertc_status write_model(bc_run *run, int lane, const char *folder, bertc_error *err)
{
    bc_safetensors best;
    bc_values values = {.memory = run->model->values};
    bc_optim_settle(&run->optim);
    bc_model_use_head(run->model, lane);
    if (bc_run_kept_step(run, lane) == run->state.step) return write_values(run, &values, folder, err);
    bertc_status status = bc_run_open_best(run, lane, &best, &values, err);
    if (status == BERTC_OK) status = write_values(run, &values, folder, err);
    bc_safetensors_close(&best);
    return status;
}

/* The words of a model that has them in tokenizer.json only. They stand there as they are read, so
 * both files say the same. */
static bertc_status write_vocab(bc_run *run, const char *folder, bertc_error *err)
{
    char *path = bc_path_join(folder, "vocab.txt");
    bool found = false;
    bertc_status status = path ? bc_file_find(path, &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && !found) {
        size_t length;
        const char *text = bertc_vocab_text(run->source.vocab, &length);
        status = bc_file_write_noted(&run->written, path, text, length, err);
    }
    bc_free(path);
    return status;
}

static bertc_status write_lane(bc_run *run, int lane, bertc_error *err)
{
    char *folder = bc_run_lane_folder(run, lane);
    bertc_status status = folder ? BERTC_OK : bc_fail_memory(err);
    if (folder && run->num_lanes > 1) status = bc_folder_create(folder, err);
    if (status == BERTC_OK) status = write_model(run, lane, folder, err);
    if (status == BERTC_OK)
        status = bc_model_dir_copy_tokenizer(run->source.home, folder, bc_adapt_saves_adapter(&run->options),
                                             &run->written, err);
    if (status == BERTC_OK) status = write_vocab(run, folder, err);
    if (status == BERTC_OK) status = write_scores(run, lane, 1, folder, err);
    if (status == BERTC_OK && run->num_lanes > 1)
        status = write_lane_record(run, lane, folder, err);
    bc_free(folder);
    return status;
}

static bertc_status write_result(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (int i = 0; i < run->num_lanes && status == BERTC_OK; i++) status = write_lane(run, i, err);
    if (status == BERTC_OK && run->num_lanes > 1)
        status = write_scores(run, 0, run->num_lanes, run->folder.path, err);
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
