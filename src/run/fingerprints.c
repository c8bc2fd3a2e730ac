#include "run/fingerprints.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "formats/config.h"

/* ---- Data and settings --------------------------------------------------------------------- */

/* Hash a string with its NUL, so that different lists of strings give different bytes. */
static void put_string(bc_hasher *to, const char *string)
{
    bc_hasher_update(to, string, strlen(string) + 1);
}

/* Hash the labels of each example; an example without a label counts as -1. If an example has several labels, hash the
 * numbers of labels too. */
static void put_labels(bc_hasher *to, const bertc_inputs *in)
{
    static const int32_t none = -1;
    bool several = false;
    for (size_t i = 0; i < in->count; i++) {
        size_t from = in->label_starts[i], n = in->label_starts[i + 1] - from;
        bc_hasher_update(to, n > 0 ? in->labels + from : &none, (n > 0 ? n : 1) * sizeof none);
        several = several || n > 1;
    }
    if (several) bc_hasher_update(to, in->label_starts, (in->count + 1) * sizeof *in->label_starts);
}

void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *in)
{
    size_t tokens = in->starts[in->count];
    bc_hasher state;
    bc_hasher_init(&state);
    bc_hasher_update(&state, &in->count, sizeof in->count);
    bc_hasher_update(&state, in->starts, (in->count + 1) * sizeof *in->starts);
    bc_hasher_update(&state, in->ids, tokens * sizeof *in->ids);
    bc_hasher_update(&state, in->types, tokens * sizeof *in->types);
    put_labels(&state, in);
    bc_hasher_update(&state, in->values, in->count * sizeof *in->values);
    if (in->windows) bc_hasher_update(&state, in->windows, (in->texts + 1) * sizeof *in->windows);
    bc_hasher_digest(&state, out);
}

/* Hash the numbers, the activation and the labels of a configuration. Other members of config.json change no result. */
static void hash_config(char out[BC_HASH_HEX], const bertc_config *config)
{
    bc_hasher state;
    bc_hasher_init(&state);
    for (size_t i = 0; i < bc_config_field_count; i++) {
        double value = bc_config_get(config, &bc_config_fields[i]);
        bc_hasher_update(&state, &value, sizeof value);
    }
    put_string(&state, config->hidden_act_name);
    for (int32_t i = 0; i < config->num_labels; i++) put_string(&state, config->labels[i]);
    if (config->multi_label) put_string(&state, bertc_config_problem_type(config));
    bc_hasher_digest(&state, out);
}

/* Whether an added token is a special token without further settings. Its text is hashed with the special tokens. */
static bool is_plain(const bertc_tokenizer_options *o, const bertc_added_token *token)
{
    if (token->normalized || token->single_word || token->lstrip || token->rstrip) return false;
    for (int i = 0; i < BERTC_SPECIALS; i++)
        if (strcmp(token->text, o->special[i]) == 0) return true;
    return false;
}

/* Hash every setting, besides the vocabulary, that changes token ids. */
static void hash_tokenizer(char out[BC_HASH_HEX], const bertc_tokenizer_options *o)
{
    int32_t added = 0;
    for (int32_t i = 0; i < o->added_count; i++) added += !is_plain(o, &o->added[i]);
    const int32_t settings[] = {(int32_t)o->parity, o->do_lower_case,
                                o->strip_accents < 0 ? o->do_lower_case : o->strip_accents,
                                o->tokenize_chinese_chars, o->clean_text, o->no_types,
                                o->max_word_chars, added};
    bc_hasher state;
    bc_hasher_init(&state);
    bc_hasher_update(&state, settings, sizeof settings);
    put_string(&state, o->prefix);
    for (int i = 0; i < BERTC_SPECIALS; i++) put_string(&state, o->special[i]);
    for (int32_t i = 0; i < o->added_count; i++) {
        const bertc_added_token *token = &o->added[i];
        const int32_t flags[] = {token->normalized, token->single_word, token->lstrip, token->rstrip};
        if (is_plain(o, token)) continue;
        put_string(&state, token->text);
        bc_hasher_update(&state, &token->id, sizeof token->id);
        if (flags[0] || flags[1] || flags[2] || flags[3]) bc_hasher_update(&state, flags, sizeof flags);
    }
    bc_hasher_digest(&state, out);
}

/* ---- A run --------------------------------------------------------------------------------- */

/* Combine hashes: one hash stands for itself, several are hashed together. */
static void combine(char out[BC_HASH_HEX], const char (*hashes)[BC_HASH_HEX], size_t count)
{
    bc_hash_part parts[BERTC_MAX_TASKS];
    for (size_t i = 0; i < count; i++) parts[i] = (bc_hash_part){hashes[i], BC_HASH_HEX - 1};
    if (count == 1) memcpy(out, hashes[0], BC_HASH_HEX);
    else bc_hash(out, parts, count);
}

_Static_assert((int)BERTC_MAX_EVALS <= (int)BERTC_MAX_TASKS, "combine takes hashes of tasks or of splits");

/* The kind is part of the hash for multi-label tasks only: their examples may be those of a classification. */
void bc_hash_examples(char out[BC_HASH_HEX], const bertc_task *task, const bertc_inputs *in)
{
    static const char kind[] = "multi-label";
    char examples[BC_HASH_HEX];
    bc_hash_inputs(examples, in);
    if (task->kind == BERTC_MULTILABEL)
        bc_hash(out, (const bc_hash_part[]){{kind, sizeof kind}, {examples, BC_HASH_HEX - 1}}, 2);
    else memcpy(out, examples, BC_HASH_HEX);
}

static void hash_data(bc_run *run)
{
    char train[BERTC_MAX_TASKS][BC_HASH_HEX], dev[BERTC_MAX_TASKS][BC_HASH_HEX], splits[BERTC_MAX_EVALS][BC_HASH_HEX];
    size_t count = (size_t)run->num_tasks;
    for (size_t t = 0; t < count; t++) {
        bc_run_task *task = &run->tasks[t];
        bc_hash_examples(task->train_fingerprint, task->spec, task->train);
        for (size_t i = 0; i < task->eval_count; i++)
            bc_hash_examples(splits[i], task->spec, task->evals[i].inputs);
        combine(task->dev_fingerprint, (const char (*)[BC_HASH_HEX])splits, task->eval_count);
        memcpy(train[t], task->train_fingerprint, BC_HASH_HEX);
        memcpy(dev[t], task->dev_fingerprint, BC_HASH_HEX);
    }
    combine(run->fingerprints.train, (const char (*)[BC_HASH_HEX])train, count);
    combine(run->fingerprints.dev, (const char (*)[BC_HASH_HEX])dev, count);
}

/* Hash the descriptions of the users' own tasks. The content of their files is hashed as data. */
static bertc_status hash_tasks(bc_run *run, bertc_error *err)
{
    bc_hasher state;
    bool any = false;
    bc_hasher_init(&state);
    for (int t = 0; t < run->num_tasks; t++) {
        const bertc_task *spec = run->tasks[t].spec;
        char *json = NULL;
        bertc_status status = spec->own ? bertc_task_json(spec, 0, false, &json, err) : BERTC_OK;
        if (status != BERTC_OK) return status;
        if (json) put_string(&state, json);
        any = any || json;
        bc_free(json);
    }
    if (any) bc_hasher_digest(&state, run->fingerprints.task);
    return BERTC_OK;
}

bertc_status bc_fingerprints_take(bc_run *run, bertc_error *err)
{
    bc_hash_part vocab;
    vocab.bytes = bertc_vocab_text(run->source.vocab, &vocab.length);
    bc_hash(run->fingerprints.vocab, &vocab, 1);
    bertc_tokenizer_options settings = bertc_tokenizer_options_of(run->source.tokenizer);
    hash_tokenizer(run->fingerprints.tokenizer, &settings);
    hash_config(run->fingerprints.config, &run->source.config);
    hash_data(run);
    bertc_status status = hash_tasks(run, err);
    if (status != BERTC_OK) return status;
    const bc_trainer_state state = bc_trainer_state_of(run->trainer);
    return bc_hash_large(run->fingerprints.weights, state.values, state.scalars * sizeof *state.values, err);
}

/* ---- Recording and comparing --------------------------------------------------------------- */

/* The table is compared from its end, so that a cause (another vocabulary) is reported before its effect (other
 * data). */
static const struct {
    const char *key, *name;
    size_t offset;
} rows[] = {
    {"weights", "other initial weights", offsetof(bc_fingerprints, weights)},
    {"train", "other training data", offsetof(bc_fingerprints, train)},
    {"dev", "other dev data", offsetof(bc_fingerprints, dev)},
    {"vocab", "another vocabulary", offsetof(bc_fingerprints, vocab)},
    {"tokenizer", "other tokenizer settings", offsetof(bc_fingerprints, tokenizer)},
    {"config", "another config.json", offsetof(bc_fingerprints, config)},
    {"task", "another description of a task", offsetof(bc_fingerprints, task)},
};

enum { ROWS = sizeof rows / sizeof *rows };

void bc_fingerprints_record(bc_text *out, const bc_fingerprints *hashes)
{
    for (int i = 0; i < ROWS; i++) {
        const char *hash = (const char *)hashes + rows[i].offset;
        if (*hash) bc_text_printf(out, "%s\"%s\":\"%s\"", i ? "," : "{", rows[i].key, hash);
    }
    bc_text_printf(out, "}");
}

bertc_status bc_fingerprints_compare(const bc_fingerprints *hashes, const cJSON *stored, const char *place,
                               bertc_error *err)
{
    for (int i = ROWS - 1; i >= 0; i--) {
        const char *was = cJSON_GetStringValue(bc_json_get(stored, rows[i].key));
        if (strcmp(was ? was : "", (const char *)hashes + rows[i].offset) == 0) continue;
        return bc_fail(err, BERTC_USAGE, "%s: this run began with %s", place, rows[i].name);
    }
    return BERTC_OK;
}
