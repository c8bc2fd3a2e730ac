#include "run/model_source.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/model_path.h"
#include "formats/adapter_config.h"
#include "formats/model_dir.h"
#include "run/options.h"
#include "tasks/tasks.h"

void bc_model_source_notify_rows(const bertc_dataset *set, const bertc_notify *notify)
{
    if (set->skipped_short > 0)
        bc_notify(notify, "%s: %zu short row%s skipped", set->path, set->skipped_short,
                  set->skipped_short == 1 ? "" : "s");
    if (set->skipped_label > 0)
        bc_notify(notify, "%s: %zu row%s without a gold label left out", set->path, set->skipped_label,
                  set->skipped_label == 1 ? "" : "s");
}

bertc_status bc_model_source_check_labels(const bertc_dataset *set, const char *purpose, bertc_error *err)
{
    const char *split = bertc_split_name(set->split);
    if (set->labelled) return BERTC_OK;
    if (!set->missing_label_column)
        return bc_fail(err, BERTC_INPUT, "%s: the %s split has no labels to %s", set->path, split, purpose);
    return bc_fail(err, BERTC_INPUT, "%s: the %s split has no labels to %s; its header has no column \"%s\", only %s",
                   set->path, split, purpose, set->missing_label_column, set->header_columns);
}

void bc_model_source_notify_inputs(const bertc_dataset *set, const bertc_inputs *inputs, const bertc_notify *notify)
{
    if (inputs->invalid > 0)
        bc_notify(notify, "%s: %zu invalid UTF-8 sequence%s read as U+FFFD", set->path,
                  inputs->invalid, inputs->invalid == 1 ? "" : "s");
    if (inputs->truncated > 0)
        bc_notify(notify, "%s: %zu of %zu texts truncated to %zu tokens (--max-length)", set->path,
                  inputs->truncated, inputs->count, inputs->longest);
    if (inputs->cut > 0)
        bc_notify(notify,
                  "%s: %zu of %zu texts cut into windows of at most %zu tokens (--max-length): %zu windows in all",
                  set->path, inputs->cut, inputs->texts, inputs->longest, inputs->count);
}

static bertc_status check_finished(const char *dir, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = bc_model_dir_check_finished(dir, &why);
    if (status == BERTC_OK) return status;
    return bc_fail(err, status, "%s%s", why.message, status == BERTC_INPUT ? " (finetune --resume)" : "");
}

static bertc_status load_config(bc_model_source *source, const char *dir, bertc_error *err)
{
    bc_adapter_config adapter = {0};
    bertc_status status = check_finished(dir, err);
    if (status == BERTC_OK) status = bc_adapter_config_read(dir, &adapter, err);
    source->base = adapter.base;
    adapter.base = NULL;
    bc_adapter_config_clear(&adapter);
    if (status == BERTC_OK && source->base) status = check_finished(source->base, err);
    return status == BERTC_OK ? bc_config_load_dir(dir, &source->config, err) : status;
}

static bertc_status find_vocab(const char *dir, bool *found, bertc_error *err)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json"};
    bertc_status status = BERTC_OK;
    *found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == BERTC_OK && !*found; i++) {
        char *path = bc_path_join(dir, names[i]);
        status = path ? bc_file_find(path, found, err) : bc_fail_memory(err);
        bc_free(path);
    }
    return status;
}

/* Choose the directory of the tokenizer's files. An adapter that peft saved has no such files; its base is used
 * then. */
static bertc_status choose_tokenizer_dir(bc_model_source *source, const char *dir, bertc_error *err)
{
    bool found = true;
    bertc_status status = source->base ? find_vocab(dir, &found, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    const char *chosen = found ? dir : source->base;
    source->tokenizer_dir = bc_strndup(chosen, strlen(chosen));
    return source->tokenizer_dir ? BERTC_OK : bc_fail_memory(err);
}

/* An added token without a row in the word embedding table is allowed as long as no text contains it. A text that
 * contains it is an error of check_inputs. */
static bertc_status check_vocab(const bc_model_source *source, const bertc_notify *notify, bertc_error *err)
{
    const char *place = bertc_vocab_source(source->vocab);
    int32_t words = bertc_vocab_size(source->vocab), rows = source->config.vocab_size;
    int32_t size = bertc_tokenizer_size(source->tokenizer);
    if (words > rows)
        return bc_fail(err, BERTC_INPUT, "%s: %d words, the model's vocab_size is only %d", place, (int)words,
                       (int)rows);
    if (size < rows) bc_notify(notify, "%s: %d words, the model's vocab_size is %d", place, (int)size, (int)rows);
    if (size <= rows) return BERTC_OK;
    size_t length;
    const char *word = bertc_tokenizer_word(source->tokenizer, rows, &length);
    bc_notify(notify, "%s: token %.*s has id %d, the model's vocab_size is %d: texts must not contain it", place,
              (int)length, word, (int)rows, (int)rows);
    return BERTC_OK;
}

/* Set max_length to `wanted`. If `wanted` is 0, set it to the default, or to the maximum of the model or its tokenizer
 * if that is smaller. */
static bertc_status resolve_length(bc_model_source *source, const char *dir, int64_t wanted, const bertc_notify *notify,
                                  bertc_error *err)
{
    int64_t stated = bertc_tokenizer_options_of(source->tokenizer).model_max_length;
    int64_t positions = source->config.max_position_embeddings;
    int64_t max = stated > 0 && stated < positions ? stated : positions;
    source->max_length = (size_t)(wanted ? wanted : BC_DEFAULT_LENGTH);
    if (wanted || max >= BC_DEFAULT_LENGTH) return BERTC_OK;
    const char *name = max == positions ? "max_position_embeddings" : "model_max_length";
    if (max < BC_MIN_LENGTH)
        return bc_fail(err, BERTC_INPUT, "%s: its %s is %lld, a text needs at least %d tokens", dir, name,
                       (long long)max, BC_MIN_LENGTH);
    source->max_length = (size_t)max;
    bc_notify(notify, "texts are %s %lld tokens, the model's %s",
              source->long_texts == BERTC_LONG_WINDOWS ? "cut into windows of" : "truncated to", (long long)max, name);
    return BERTC_OK;
}

/* Resolve the overlap of windows. A window has [CLS], [SEP] and at least one word piece more than its overlap. */
static bertc_status resolve_overlap(bc_model_source *source, bertc_error *err)
{
    int64_t max_length = (int64_t)source->max_length, pieces = max_length - 2;
    if (source->long_texts != BERTC_LONG_WINDOWS) return BERTC_OK;
    if (source->window_overlap < 0) source->window_overlap = max_length / BC_OVERLAP_PART;
    if (source->window_overlap < pieces) return BERTC_OK;
    return bc_fail(err, BERTC_USAGE, "--window-overlap %lld: a window of --max-length %lld has %lld tokens besides "
                   "[CLS] and [SEP], the overlap must be smaller", (long long)source->window_overlap,
                   (long long)max_length, (long long)pieces);
}

bertc_status bc_model_source_open(bc_model_source *source, const char *dir, int64_t max_length,
                                  const bertc_notify *notify, bertc_error *err)
{
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_status status = load_config(source, dir, err);
    int64_t max = source->config.max_position_embeddings;
    if (status == BERTC_OK && max_length > max)
        status = bc_fail(err, BERTC_USAGE, "--max-length %lld is more than the model's max_position_embeddings %lld",
                         (long long)max_length, (long long)max);
    if (status == BERTC_OK) status = choose_tokenizer_dir(source, dir, err);
    if (status == BERTC_OK) status = bertc_vocab_load_dir(source->tokenizer_dir, &source->vocab, err);
    if (status == BERTC_OK) status = bertc_tokenizer_read_options(source->tokenizer_dir, &options, err);
    if (status == BERTC_OK) status = bertc_tokenizer_create(source->vocab, &options, &source->tokenizer, err);
    if (status == BERTC_OK) status = resolve_length(source, dir, max_length, notify, err);
    if (status == BERTC_OK) status = resolve_overlap(source, err);
    if (status == BERTC_OK) status = check_vocab(source, notify, err);
    return status;
}

/* Set *length and what happens to longer texts to the options of a prediction, or where they are not given to those of
 * the run in the folder of its model. *length is 0 if neither states it. */
static bertc_status resolve_trained(const bertc_predict_options *o, bc_model_source *source, int64_t *length,
                                    bertc_error *err)
{
    int long_texts = BERTC_LONG_HEAD;
    int64_t trained = 0, overlap = -1;
    cJSON *tree;
    char *path;
    bertc_status status = bc_model_dir_read_json(o->model, BC_RUN_RECORD, &path, &tree, err);
    if (status == BERTC_OK)
        status = bc_json_int(bc_json_get(tree, "options"), "max-length", BC_MIN_LENGTH, BC_MAX_LENGTH, path, &trained,
                             err);
    if (status == BERTC_OK && tree)
        status = bc_options_read_long(bc_json_get(tree, "options"), path, &long_texts, &overlap, err);
    *length = o->max_length > 0 ? o->max_length : trained;
    bool is_given = o->long_texts != BERTC_LONG_DEFAULT;
    source->long_texts = is_given ? o->long_texts : long_texts;
    source->window_overlap = is_given ? o->window_overlap : *length == trained ? overlap : -1;
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

/* Read a table that is given as a file. It has the columns of the split, or if the task has no such split of another.
 */
static bertc_status read_table(const bertc_predict_options *o, const bertc_task *task, bool labels,
                               bertc_dataset **dataset, bertc_error *err)
{
    int split = (int)o->split;
    for (int other = BERTC_SPLITS - 1; !task->splits[split].file && other >= 0; other--)
        if (task->splits[other].file) split = other;
    if (!task->splits[split].file)
        return bc_fail(err, BERTC_USAGE, "%s: a table, but task %s has no columns", o->data, task->name);
    const bertc_columns texts = bc_columns_of_texts(&task->splits[split]);
    return bc_dataset_read_file(task, (bertc_split)split, labels ? &task->splits[split] : &texts, NULL, o->data,
                                (size_t)o->limit, dataset, err);
}

/* Read the lines of a file. */
static bertc_status read_lines(const bertc_predict_options *o, const bertc_task *task, bertc_dataset **dataset,
                               bertc_error *err)
{
    char *text = NULL;
    size_t length = 0;
    bertc_status status = bc_file_read(o->data, BC_FILE_WORDS, &text, &length, err);
    if (status == BERTC_OK) status = bertc_dataset_from_lines(task, text, length, o->data, dataset, err);
    bc_free(text);
    return status;
}

/* Read what `data` is: a folder, a file of lines or a table; null: the task's own files. */
static bertc_status read_data(const bertc_predict_options *o, const bertc_task *task, bool labels,
                              bertc_dataset **dataset, bertc_error *err)
{
    struct stat info;
    size_t n = o->data ? strlen(o->data) : 0;
    bool is_text = n > 4 && strcmp(o->data + n - 4, ".txt") == 0;
    bool is_file = o->data && stat(o->data, &info) == 0 && !S_ISDIR(info.st_mode);
    if (is_file && is_text) {
        if (labels) return bc_fail(err, BERTC_USAGE, "%s: lines of text have no labels", o->data);
        if (o->keep_columns) return bc_fail(err, BERTC_USAGE, "%s: lines of text have no columns to keep", o->data);
        return read_lines(o, task, dataset, err);
    }
    if (is_file && !task->own) return read_table(o, task, labels, dataset, err);
    return labels ? bertc_dataset_read(task, o->data, o->split, (size_t)o->limit, dataset, err)
                  : bertc_dataset_read_texts(task, o->data, o->split, (size_t)o->limit, dataset, err);
}

bertc_status bc_model_source_read_texts(const bertc_predict_options *o, const bertc_task *task, bool labels,
                                        const bertc_notify *notify, bertc_dataset **dataset, bertc_error *err)
{
    bertc_task keeping = *task; /* the task with the columns to keep */
    size_t limit = (size_t)o->limit;
    bool lines = !o->data && (o->text || !bertc_task_has_files(task));
    if (lines && !o->text) return bc_fail(err, BERTC_USAGE, "neither a data folder nor text is given");
    for (int split = 0; split < BERTC_SPLITS; split++)
        keeping.splits[split].keep = keeping.old_splits[split].keep = keeping.tables[split].keep = o->keep_columns;
    bertc_status status =
        lines ? bertc_dataset_from_lines(task, o->text, o->text_length, "standard input", dataset, err)
              : read_data(o, &keeping, labels, dataset, err);
    if (status != BERTC_OK) return status;
    (*dataset)->task = task;
    if (limit > 0 && limit < (*dataset)->count) (*dataset)->count = limit;
    bc_model_source_notify_rows(*dataset, notify);
    return BERTC_OK;
}

/* Check that a directory is a model. A run of several tasks has a folder with a model for each task. task: null if it
 * is not known yet. */
static bertc_status check_dir(const char *dir, const bertc_task *task, bertc_error *err)
{
    static const char *const names[] = {"config.json", BC_ADAPTER_CONFIG};
    enum { NAMES = sizeof names / sizeof *names };
    char *own = bc_path_join(dir, task ? task->name : "");
    bertc_status status = own ? check_finished(dir, err) : bc_fail_memory(err);
    if (status == BERTC_OK && task && bc_folder_exists(own) &&
        bc_model_path_check(dir, names, NAMES, NULL) == BERTC_INPUT &&
        bc_model_path_check(own, names, NAMES, NULL) == BERTC_OK)
        status = bc_fail(err, BERTC_INPUT, "%s: holds a model for each of several tasks; the model of %s is %s", dir,
                         task->name, own);
    bc_free(own);
    return status == BERTC_OK ? bc_model_path_check(dir, names, NAMES, err) : status;
}

bertc_status bc_model_source_open_model(bc_model_source *source, const bertc_predict_options *o,
                                        const bertc_task *task, const bertc_notify *notify, bertc_error *err)
{
    bertc_status status = bc_options_check_predict(o, err);
    if (status != BERTC_OK) return status;
    int64_t length = 0;
    status = check_dir(o->model, task, err);
    if (status == BERTC_OK) status = resolve_trained(o, source, &length, err);
    return status == BERTC_OK ? bc_model_source_open(source, o->model, length, notify, err) : status;
}

/* Check that all ids and types of a data set fit the model. */
static bertc_status check_inputs(const bertc_inputs *inputs, const bertc_config *config,
                                 const char *path, bertc_error *err)
{
    int32_t id = 0;
    uint8_t type = 0;
    size_t tokens = inputs->starts[inputs->count];
    for (size_t i = 0; i < tokens; i++) {
        if (inputs->ids[i] > id) id = inputs->ids[i];
        if (inputs->types[i] > type) type = inputs->types[i];
    }
    if (id >= config->vocab_size)
        return bc_fail(err, BERTC_INPUT, "%s: token id %d, the model's vocab_size is %d", path,
                       (int)id, (int)config->vocab_size);
    if (type >= config->type_vocab_size)
        return bc_fail(err, BERTC_INPUT, "%s: sentence pairs, the model's type_vocab_size is %d",
                       path, (int)config->type_vocab_size);
    return BERTC_OK;
}

bertc_status bc_model_source_tokenize(const bc_model_source *source, const bertc_dataset *set, const int32_t *map,
                                      bertc_inputs **inputs, bertc_error *err)
{
    const bertc_length_limit limit = {source->max_length, (bertc_long)source->long_texts,
                                      (size_t)source->window_overlap};
    bertc_status status = bertc_inputs_create_long(source->tokenizer, set, limit, map, inputs, err);
    if (status == BERTC_OK) status = check_inputs(*inputs, &source->config, set->path, err);
    if (status == BERTC_OK) return BERTC_OK;
    bertc_inputs_free(*inputs);
    *inputs = NULL;
    return status;
}

void bc_model_source_close(bc_model_source *source)
{
    bertc_tokenizer_free(source->tokenizer);
    bertc_vocab_free(source->vocab);
    bertc_config_clear(&source->config);
    bc_free(source->base);
    bc_free(source->tokenizer_dir);
    *source = (bc_model_source){0};
}
