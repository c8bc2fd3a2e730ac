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
#include "train/manifest.h"
#include "train/record.h"

/* ---- Evaluation ---------------------------------------------------------------------------- */

int64_t bc_run_kept_step(const bc_run *run)
{
    bool best = run->options.keep == BERTC_KEEP_BEST && run->state.best_step > 0;
    return best ? run->state.best_step : run->state.step;
}

const bertc_scores *bc_run_kept_scores(const bc_run *run)
{
    bool best = bc_run_kept_step(run) == run->state.best_step;
    return best ? run->state.best : run->state.last;
}

static double value_of(const bc_run *run, const bertc_scores *scores)
{
    return bc_scored_value(&run->options, run->scored[0].task, &scores[0]);
}

/* Is the first split's metric better than before? NaN never is, and of equals the earlier stays. */
static bool is_best(const bc_run *run)
{
    double value = value_of(run, run->state.last);
    if (isnan(value)) return false;
    return run->state.best_step == 0 || value > value_of(run, run->state.best);
}

/* Evaluations since the best one; the last of a run may come early, but nothing comes after it. */
static int64_t evaluations_in_vain(const bc_run *run)
{
    const bc_state *s = &run->state;
    return run->eval_every > 0 ? (s->evaluated - s->best_step) / run->eval_every : 0;
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
    for (size_t i = 0; i < run->eval_count; i++)
        tokens += run->evals[i].inputs->starts[run->evals[i].inputs->count];
    return tokens;
}

static bertc_status log_scores(bc_run *run, size_t split, double seconds, bertc_error *err)
{
    bc_text line = {0};
    char epoch[BC_JSON_DOUBLE];
    bc_json_double(epoch, bc_run_epochs(run, run->state.step));
    bc_text_printf(&line, "{\"step\":%lld,\"epoch\":%s,\"eval\":", (long long)run->state.step,
                   epoch);
    bc_record_scores(&line, run->scored[split], &run->state.last[split]);
    bc_text_printf(&line, ",\"seconds\":%.4f}\n", seconds);
    bertc_status status = line.failed ? bc_fail_memory(err)
                                      : bc_log_append(&run->log, line.bytes, line.length, err);
    bc_text_clear(&line);
    return status;
}

/* seconds (eval_count) out: that each split took. */
static bertc_status score(bc_run *run, double *seconds, bertc_error *err)
{
    double sum = 0;
    for (size_t i = 0; i < run->eval_count; i++) {
        bc_eval *eval = &run->evals[i];
        bertc_status status =
            bc_eval_run(eval, run->model, run->workspace, run->batch, &run->meter, err);
        if (status == BERTC_OK)
            status = bertc_task_score(eval->dataset, eval->logits, &run->state.last[i], err);
        if (status != BERTC_OK) return status;
        sum += seconds[i] = run->meter.pass_seconds;
    }
    run->meter.pass_seconds = sum;
    return BERTC_OK;
}

/* Say so where this was the last evaluation that is waited for. */
static void notify_end(const bc_run *run)
{
    const bertc_notify *notify = bc_meter_notify(&run->meter);
    const bc_state *s = &run->state;
    const char *name = bc_scored_best_name(&run->options, run->scored[0].task);
    if (s->step == run->steps || !bc_run_is_over(run)) return;
    if (s->best_step > 0)
        bc_notify(notify, "step %lld: no better %s since step %lld, the run ends", (long long)s->step,
                  name, (long long)s->best_step);
    else bc_notify(notify, "step %lld: the %s never had a value, the run ends", (long long)s->step, name);
}

bertc_status bc_run_evaluate(bc_run *run, bertc_error *err)
{
    bc_state *state = &run->state;
    double seconds[BERTC_MAX_EVALS];
    bc_optim_settle(&run->optim);
    bertc_status status = score(run, seconds, err);
    if (status != BERTC_OK) return status;
    state->evaluated = state->step;
    if (is_best(run)) {
        state->best_step = state->step;
        memcpy(state->best, state->last, sizeof state->best);
        if (run->options.keep == BERTC_KEEP_BEST && state->step < run->steps)
            status = bc_run_save_best(run, err);
    }
    for (size_t i = 0; i < run->eval_count && status == BERTC_OK; i++)
        status = log_scores(run, i, seconds[i], err);
    if (status == BERTC_OK) notify_end(run);
    return status;
}

/* ---- The result ---------------------------------------------------------------------------- */

static bertc_status write_text(const bc_run *run, const char *name, bc_text *text,
                               bertc_error *err)
{
    char *path = bc_path_join(run->folder.path, name);
    bertc_status status = path && !text->failed
                              ? bc_file_write(path, text->bytes, text->length, err)
                              : bc_fail_memory(err);
    bc_free(path);
    bc_text_clear(text);
    return status;
}

static bertc_status write_scores(const bc_run *run, bertc_error *err)
{
    bc_text text = {0};
    bc_record_evals(&text, run);
    return write_text(run, "eval.json", &text, err);
}

static bertc_status write_record(const bc_run *run, bertc_error *err)
{
    bc_text text = {0};
    bertc_status status = bc_record_run(&text, run, err);
    if (status == BERTC_OK) return write_text(run, "run.json", &text, err);
    bc_text_clear(&text);
    return status;
}

static void restore_dropout(bc_run *run)
{
    bertc_config *c = &run->model->config;
    c->hidden_dropout_prob = run->dropout[0];
    c->attention_probs_dropout_prob = run->dropout[1];
    c->classifier_dropout = run->dropout[2];
}

static bertc_status write_values(bc_run *run, const float *values, bertc_error *err)
{
    const bc_param *bad = bc_run_find_bad(run, values);
    if (bad)
        return bc_fail(err, BERTC_DIVERGED, "step %lld: the weights %s are not finite",
                       (long long)run->state.step, bad->name);
    restore_dropout(run);
    return bc_model_save_values(run->model, values, run->folder.path, err);
}

/* The weights to keep are the model's, or the best ones, straight from their file: the last ones
 * stay in memory, so that the state can still be saved. */
static bertc_status write_model(bc_run *run, bertc_error *err)
{
    bc_safetensors best;
    const float *values;
    bc_optim_settle(&run->optim);
    if (bc_run_kept_step(run) == run->state.step)
        return write_values(run, run->model->values, err);
    bertc_status status = bc_run_open_best(run, &best, &values, err);
    if (status == BERTC_OK) status = write_values(run, values, err);
    bc_safetensors_close(&best);
    return status;
}

/* The words of a model that has them in tokenizer.json only. They stand there as they are read, so
 * both files say the same. */
static bertc_status write_vocab(const bc_run *run, bertc_error *err)
{
    char *path = bc_path_join(run->folder.path, "vocab.txt");
    bertc_status status = path ? BERTC_OK : bc_fail_memory(err);
    if (path && !bc_file_exists(path)) {
        size_t length;
        const char *text = bertc_vocab_text(run->source.vocab, &length);
        status = bc_file_write(path, text, length, err);
    }
    bc_free(path);
    return status;
}

static bertc_status write_result(bc_run *run, bertc_error *err)
{
    bertc_status status = write_model(run, err);
    if (status == BERTC_OK)
        status = bc_model_dir_copy_tokenizer(run->options.model, run->folder.path, err);
    if (status == BERTC_OK) status = write_vocab(run, err);
    if (status == BERTC_OK) status = write_scores(run, err);
    if (status == BERTC_OK) status = bc_log_sync(&run->log, err);
    return status == BERTC_OK ? write_record(run, err) : status;
}

static void remove_member(const bc_run *run, const char *name)
{
    char *path = bc_path_join(run->folder.path, name);
    if (path) unlink(path);
    bc_free(path);
}

/* Take back what there is of a result, run.json first: without it the rest stands for nothing. The
 * log goes too where no checkpoint needs it. */
static void withdraw(const bc_run *run)
{
    const char *name;
    remove_member(run, "run.json");
    for (size_t i = 0; (name = bc_manifest_name(i)) != NULL; i++) remove_member(run, name);
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
