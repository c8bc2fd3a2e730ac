#include "train/source.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/options.h"

void bc_source_notify_rows(const bertc_dataset *set, const bertc_notify *notify)
{
    if (set->skipped > 0)
        bc_notify(notify, "%s: %zu short row%s skipped", set->path, set->skipped,
                  set->skipped == 1 ? "" : "s");
    if (set->ungraded > 0)
        bc_notify(notify, "%s: %zu row%s without a gold label left out", set->path, set->ungraded,
                  set->ungraded == 1 ? "" : "s");
}

void bc_source_notify_inputs(const bertc_dataset *set, const bertc_inputs *inputs,
                             const bertc_notify *notify)
{
    if (inputs->invalid > 0)
        bc_notify(notify, "%s: %zu invalid UTF-8 sequence%s read as U+FFFD", set->path,
                  inputs->invalid, inputs->invalid == 1 ? "" : "s");
}

static bertc_status load_config(bc_source *source, const char *dir, bertc_error *err)
{
    char *path = bc_path_join(dir, "config.json");
    bertc_status status = path ? bertc_config_load(path, &source->config, err)
                               : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static bertc_status load_tokenizer(bc_source *source, const char *dir, bertc_error *err)
{
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_status status = bertc_vocab_load_dir(dir, &source->vocab, err);
    if (status == BERTC_OK) status = bertc_tokenizer_read_options(dir, &options, err);
    if (status != BERTC_OK) return status;
    return bertc_tokenizer_create(source->vocab, &options, &source->tokenizer, err);
}

static bertc_status check_vocab(const bc_source *source, const char *dir,
                                const bertc_notify *notify, bertc_error *err)
{
    int32_t words = bertc_vocab_size(source->vocab), rows = source->config.vocab_size;
    if (words > rows)
        return bc_fail(err, BERTC_INPUT,
                       "%s/vocab.txt: %d words, the model's vocab_size is only %d", dir, (int)words,
                       (int)rows);
    if (words < rows)
        bc_notify(notify, "%s/vocab.txt: %d words, the model has room for %d", dir, (int)words,
                  (int)rows);
    return BERTC_OK;
}

static bertc_status check_length(const bc_source *source, int64_t wanted, bertc_error *err)
{
    int64_t most = source->config.max_position_embeddings;
    if (wanted <= most) return BERTC_OK;
    return bc_fail(err, BERTC_USAGE,
                   "--max-length %lld is more than the model's max_position_embeddings %lld",
                   (long long)wanted, (long long)most);
}

/* Where no length is asked for: the default, or less where the model or its tokenizer states less. */
static void settle_length(bc_source *source, int64_t wanted, const bertc_notify *notify)
{
    int64_t stated = bertc_tokenizer_options_of(source->tokenizer).model_max_length;
    int64_t positions = source->config.max_position_embeddings;
    int64_t most = stated > 0 && stated < positions ? stated : positions;
    source->max_length = (size_t)(wanted ? wanted : BC_DEFAULT_LENGTH);
    if (wanted || most >= BC_DEFAULT_LENGTH) return;
    source->max_length = (size_t)most;
    bc_notify(notify, "texts are truncated to %lld tokens, the model's %s", (long long)most,
              most == positions ? "max_position_embeddings" : "model_max_length");
}

int64_t bc_source_trained_length(const char *dir)
{
    cJSON *tree = NULL;
    int64_t length = 0;
    char *path = bc_path_join(dir, "run.json");
    if (path && bc_json_read(path, &tree, NULL) == BERTC_OK) {
        const cJSON *options = bc_json_get(tree, "options");
        if (bc_json_int(options, "max-length", 3, 1000000, path, &length, NULL) != BERTC_OK)
            length = 0;
        cJSON_Delete(tree);
    }
    bc_free(path);
    return length;
}

bertc_status bc_source_open(bc_source *source, const char *dir, int64_t max_length,
                            const bertc_notify *notify, bertc_error *err)
{
    bertc_status status = load_config(source, dir, err);
    if (status == BERTC_OK) status = check_length(source, max_length, err);
    if (status == BERTC_OK) status = load_tokenizer(source, dir, err);
    if (status == BERTC_OK) settle_length(source, max_length, notify);
    if (status == BERTC_OK) status = check_vocab(source, dir, notify, err);
    return status;
}

void bc_source_close(bc_source *source)
{
    bertc_tokenizer_free(source->tokenizer);
    bertc_vocab_free(source->vocab);
    bertc_config_clear(&source->config);
    *source = (bc_source){0};
}
