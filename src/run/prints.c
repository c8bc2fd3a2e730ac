#include "run/prints.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

#include "run/furnish.h"

#include <string.h>

#include "base/error.h"
#include "run/prefix.h"
#include "run/restore.h"
#include "run/survey.h"

/* The hash of one hash is that itself; of several that of all. */
static void print_all(char out[BC_HASH_HEX], const char (*hashes)[BC_HASH_HEX], size_t count)
{
    bc_part parts[BERTC_MAX_TASKS];
    for (size_t i = 0; i < count; i++) parts[i] = (bc_part){hashes[i], BC_HASH_HEX - 1};
    if (count == 1) memcpy(out, hashes[0], BC_HASH_HEX);
    else bc_hash(out, parts, count);
}

_Static_assert((int)BERTC_MAX_EVALS <= (int)BERTC_MAX_TASKS, "print_all has room for either");

static void print_lane(bc_lane *lane)
{
    char hashes[BERTC_MAX_EVALS][BC_HASH_HEX];
    bc_hash_inputs(lane->train_print, lane->train);
    for (size_t i = 0; i < lane->eval_count; i++) bc_hash_inputs(hashes[i], lane->evals[i].inputs);
    print_all(lane->dev_print, (const char (*)[BC_HASH_HEX])hashes, lane->eval_count);
}

static void print_data(bc_run *run)
{
    char hashes[2][BERTC_MAX_TASKS][BC_HASH_HEX];
    size_t count = (size_t)run->num_lanes;
    for (size_t i = 0; i < count; i++) {
        print_lane(&run->lanes[i]);
        memcpy(hashes[0][i], run->lanes[i].train_print, BC_HASH_HEX);
        memcpy(hashes[1][i], run->lanes[i].dev_print, BC_HASH_HEX);
    }
    print_all(run->prints.train, (const char (*)[BC_HASH_HEX])hashes[0], count);
    print_all(run->prints.dev, (const char (*)[BC_HASH_HEX])hashes[1], count);
}

bertc_status bc_prints_take(bc_run *run, bertc_error *err)
{
    bc_part vocab;
    vocab.bytes = bertc_vocab_text(run->source.vocab, &vocab.length);
    bc_hash(run->prints.vocab, &vocab, 1);
    bertc_tokenizer_options settings = bertc_tokenizer_options_of(run->source.tokenizer);
    bc_hash_tokenizer(run->prints.tokenizer, &settings);
    bc_hash_config(run->prints.config, &run->source.config);
    print_data(run);
    const bc_trainer_state state = bc_trainer_state_of(run->trainer);
    return bc_hash_block(run->prints.weights, state.values, state.scalars * sizeof *state.values, err);
}

/* ---- Recording and comparing ----------------------------------------------------------------- */

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

void bc_prints_record(bc_text *out, const bc_prints *prints)
{
    for (int i = 0; i < PRINTS; i++)
        bc_text_printf(out, "%s\"%s\":\"%s\"", i ? "," : "{", prints_rows[i].key,
                       (const char *)prints + prints_rows[i].offset);
    bc_text_printf(out, "}");
}

bertc_status bc_prints_compare(const bc_prints *prints, const cJSON *stored, const char *place,
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
