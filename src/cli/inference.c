#include "cli/inference.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/output.h"

#define FIELD(name) offsetof(cli_inference_values, name)

enum { BOTH = CLI_EVAL | CLI_PREDICT };

static const bertc_choice splits[] = {{"train", BERTC_TRAIN}, {"dev", BERTC_DEV}, {"test", BERTC_TEST}, {NULL, 0}};
static const bertc_choice combines[] = {{"mean", BERTC_COMBINE_MEAN}, {"concat", BERTC_COMBINE_CONCAT}, {NULL, 0}};
static const bertc_choice pools[] = {{"none", BERTC_POOL_NONE}, {"cls", BERTC_POOL_CLS}, {"mean", BERTC_POOL_MEAN},
                                     {"max", BERTC_POOL_MAX}, {NULL, 0}};
static const bertc_choice formats[] = {{"npy", CLI_NPY}, {"jsonl", CLI_JSONL}, {"tsv", CLI_TSV}, {NULL, 0}};
static const bertc_choice table_formats[] = {{"tsv", CLI_TSV}, {"csv", CLI_CSV}, {"jsonl", CLI_JSONL}, {NULL, 0}};

static const bertc_option rows[] = {
    {"task", BERTC_OPTION_TEXT, FIELD(predict.task), NULL, 0, 0, NULL, "TASK",
     "the task, see 'bertc tasks', or a task file FILE.json; default: the task of the run --model", CLI_EVAL},
    {"task", BERTC_OPTION_TEXT, FIELD(predict.task), NULL, 0, 0, NULL, "TASK",
     "the task, see 'bertc tasks', or a task file FILE.json; default: the task of the run --model, or without a "
     "run.json the labels of its "
     "config.json",
     CLI_PREDICT},
    {"model", BERTC_OPTION_TEXT, FIELD(predict.model), NULL, 0, 0, NULL, "DIR",
     "a fine-tuned model: a run folder or a Hugging Face directory", BOTH},
    {"model", BERTC_OPTION_TEXT, FIELD(predict.model), NULL, 0, 0, NULL, "DIR",
     "an encoder, with or without a head: a Hugging Face directory or a run folder", CLI_EMBED},
    {"task", BERTC_OPTION_TEXT, FIELD(predict.task), NULL, 0, 0, NULL, "TASK",
     "read a split of this task, from --data or the files of a task file FILE.json; default: read lines from standard "
     "input",
     CLI_EMBED},
    {"data", BERTC_OPTION_TEXT, FIELD(predict.data), NULL, 0, 0, NULL, "DIR",
     "the GLUE folder or the task's own folder: GLUE's files, or tables of Hugging Face datasets; for a task file, a "
     "table "
     "or a folder of tables in place of its own",
     CLI_EVAL | CLI_EMBED},
    {"data", BERTC_OPTION_TEXT, FIELD(predict.data), NULL, 0, 0, NULL, "DIR|FILE",
     "the GLUE folder or the task's own folder: GLUE's files, or tables of Hugging Face datasets; or one table; or a "
     ".txt file of lines; default: read lines from standard input",
     CLI_PREDICT},
    {"split", BERTC_OPTION_CHOICE, FIELD(predict.split), "dev", 0, 0, splits, "SPLIT", "the split of the data to use",
     CLI_EVAL | CLI_EMBED},
    {"split", BERTC_OPTION_CHOICE, FIELD(predict.split), "test", 0, 0, splits, "SPLIT", "the split of the data to use",
     CLI_PREDICT},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "FILE", "output file; default: standard output",
     CLI_PREDICT | CLI_EMBED},
    {"logits", BERTC_OPTION_TEXT, FIELD(logits), NULL, 0, 0, NULL, "FILE",
     "also write the logits to this file, columns separated by TAB", CLI_PREDICT},
    {"format", BERTC_OPTION_CHOICE, FIELD(format), NULL, 0, 0, table_formats, "NAME",
     "print a table with names of labels; default: a GLUE submission if --data is the folder of a GLUE task, else what "
     "the ending of --out states or tsv, and for lines of standard input only the names",
     CLI_PREDICT},
    {"probabilities", BERTC_OPTION_FLAG, FIELD(probabilities), NULL, 0, 0, NULL, NULL,
     "add the probability of each label", CLI_PREDICT},
    {"top-k", BERTC_OPTION_INT, FIELD(top_k), NULL, 1, 2147483647, NULL, "K",
     "add the K labels with the largest probabilities, and these", CLI_PREDICT},
    {"threshold", BERTC_OPTION_REAL, FIELD(threshold), NULL, 0, 1, NULL, "P",
     "predict only labels with a probability of at least P, else none", CLI_PREDICT},
    {"keep-columns", BERTC_OPTION_TEXT, FIELD(predict.keep_columns), NULL, 0, 0, NULL, "LIST",
     "columns of the table --data that are copied to the output, such as id,price; all: every column", CLI_PREDICT},
    {"pair", BERTC_OPTION_FLAG, FIELD(predict.pair), NULL, 0, 0, NULL, NULL,
     "each line contains two texts, separated by a TAB; only for a model without a task", CLI_PREDICT},
    {"any-labels", BERTC_OPTION_FLAG, FIELD(predict.any_labels), NULL, 0, 0, NULL, NULL,
     "if the model's labels have other names than the task's but the same number, match them by position", BOTH},
    {"pair", BERTC_OPTION_FLAG, FIELD(pair), NULL, 0, 0, NULL, NULL, "each line contains two texts, separated by a TAB",
     CLI_EMBED},
    {"layers", BERTC_OPTION_TEXT, FIELD(layers), "-1", 0, 0, NULL, "LIST",
     "layers whose outputs are written, such as 12 or 1,2,-1 or all; 0: the embeddings, -1: the last layer", CLI_EMBED},
    {"combine", BERTC_OPTION_CHOICE, FIELD(combine), "mean", 0, 0, combines, "HOW",
     "how the outputs of several layers are combined", CLI_EMBED},
    {"pool", BERTC_OPTION_CHOICE, FIELD(pool), "mean", 0, 0, pools, "HOW",
     "how the rows of a text's tokens, including [CLS] and [SEP], become one row; none: one row for each token",
     CLI_EMBED},
    {"normalize", BERTC_OPTION_FLAG, FIELD(normalize), NULL, 0, 0, NULL, NULL, "scale each row to Euclidean length 1",
     CLI_EMBED},
    {"format", BERTC_OPTION_CHOICE, FIELD(format), "jsonl", 0, 0, formats, "NAME", "format of the output", CLI_EMBED},
    {"offsets", BERTC_OPTION_TEXT, FIELD(offsets), NULL, 0, 0, NULL, "FILE",
     "write the index of each text's first row, then the total number of rows, as an .npy file; only with "
     "'--format npy --pool none'",
     CLI_EMBED},
    {"metrics", BERTC_OPTION_TEXT, FIELD(metrics), "own", 0, 0, NULL, "LIST",
     "metrics to report, such as own,auc or f1_macro,matthews; own: the task's own; all: every metric that fits the "
     "task",
     CLI_EVAL},
    {"by-class", BERTC_OPTION_FLAG, FIELD(by_class), NULL, 0, 0, NULL, NULL,
     "also report precision, recall, F1 and number of examples of each class, and the confusion matrix, or with more "
     "than 20 classes the 20 most frequent confusions",
     CLI_EVAL},
    {"json", BERTC_OPTION_FLAG, FIELD(json), NULL, 0, 0, NULL, NULL, "print one JSON object instead of a table",
     CLI_EVAL},
};

const bertc_option *cli_inference_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

void cli_inference_defaults(void *values)
{
    cli_inference_values *v = values;
    v->predict.window_overlap = -1;
    v->threshold = -1;
}

static const char *task_name(const void *context, size_t index)
{
    (void)context;
    if (index == bertc_task_count()) return BERTC_CUSTOM_TASK;
    return index < bertc_task_count() ? bertc_task_at(index)->name : NULL;
}

bertc_status cli_task_check(const char *name, bertc_error *err)
{
    if (bertc_task_is_own(name) || bertc_task_find(name)) return BERTC_OK;
    const char *nearest = bertc_nearest(name, task_name, NULL);
    if (nearest) return cli_fail(err, BERTC_USAGE, "unknown task '%s', did you mean '%s'?", name, nearest);
    return cli_fail(err, BERTC_USAGE, "unknown task '%s', see 'bertc tasks'", name);
}

bertc_status cli_task_open(cli_inference_values *values, bertc_error *err)
{
    bertc_predict_options *o = &values->predict;
    bertc_status status = cli_task_check(o->task, err);
    return status == BERTC_OK ? bertc_task_open(o->task, o->data, NULL, false, NULL, &o->opened, err) : status;
}

bertc_status cli_tasks_check(const char *list, bertc_error *err)
{
    for (;; list++) {
        size_t length = strcspn(list, ",");
        char *name = strndup(list, length);
        bertc_status status = name ? cli_task_check(name, err) : cli_fail_memory(err);
        free(name);
        list += length;
        if (status != BERTC_OK || *list == '\0') return status;
    }
}

bertc_predict_options cli_inference_options(const cli_inference_values *values, const char *text, size_t length)
{
    bertc_predict_options options = values->predict;
    options.text = text;
    options.text_length = length;
    return options;
}

void cli_put_index(FILE *to, const bertc_example *example, size_t row)
{
    if (example->index) fwrite(example->index, 1, example->nindex, to);
    else fprintf(to, "%zu", row);
}

bertc_status cli_infer_begin(const cli_inference_values *values, cli_progress *progress, bertc_predictor **predictor,
                             bertc_error *err)
{
    *predictor = NULL;
    bertc_status status = cli_progress_begin(progress, err);
    if (status == BERTC_OK && values->predict.task) status = cli_task_check(values->predict.task, err);
    if (status != BERTC_OK) return status;
    return bertc_predictor_open(&values->predict, &progress->observer, predictor, err);
}

void cli_infer_end(cli_progress *progress, bertc_predictor *predictor)
{
    bertc_predictor_close(predictor);
    cli_progress_end(progress);
}

/* ---- Outputs that would replace inputs ----------------------------------------------------- */

/* Whether `path`, which may be null, is the file or folder `target`. */
static bool is_same(const struct stat *target, const char *path)
{
    struct stat info;
    return path && stat(path, &info) == 0 && info.st_ino == target->st_ino && info.st_dev == target->st_dev;
}

static bool is_file_in(const struct stat *target, const char *folder, const char *name)
{
    char *path = name ? cli_path_join(folder, name) : NULL;
    bool same = is_same(target, path);
    free(path);
    return same;
}

/* Whether the file is one of the task's files, in the folder `data` or in the task's own folder below it. */
static bool is_data(const struct stat *target, const char *data, const bertc_task *task)
{
    const char *const folders[] = {".", task->folder, task->old_folder};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *folder = data && folders[i] ? cli_path_join(data, folders[i]) : NULL;
        bool found = false;
        for (int split = 0; folder && split < BERTC_SPLITS && !found; split++)
            found = is_file_in(target, folder, task->splits[split].file) ||
                    is_file_in(target, folder, task->old_splits[split].file) ||
                    is_file_in(target, folder, task->old_splits[split].ids_file);
        free(folder);
        if (found) return true;
    }
    for (int split = 0; split < BERTC_SPLITS; split++) { /* tables */
        char *path = NULL;
        bool found = bertc_task_path(task, data, (bertc_split)split, &path, NULL) == BERTC_OK && is_same(target, path);
        free(path);
        if (found) return true;
    }
    return false;
}

/* Whether the file is in the model's folder. */
static bool is_in_model(const char *path, const char *model)
{
    struct stat info;
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    if (slash) slash[slash == real] = '\0';
    bool in = slash && stat(real, &info) == 0 && is_same(&info, model);
    free(real);
    return in;
}

bertc_status cli_inference_check_outputs(const cli_inference_values *v, const bertc_task *task, bertc_error *err)
{
    const struct {
        const char *option, *path;
    } outputs[] = {{"out", v->out}, {"logits", v->logits}, {"offsets", v->offsets}};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        const char *path = outputs[i].path;
        struct stat target, input;
        if (!path || stat(path, &target) != 0 || !S_ISREG(target.st_mode)) continue;
        bool read = !v->predict.data && fstat(STDIN_FILENO, &input) == 0 && input.st_ino == target.st_ino &&
                    input.st_dev == target.st_dev;
        const char *data = v->predict.data;
        bool has_data = task && (data || bertc_task_has_files(task));
        if (read || is_in_model(path, v->predict.model) || is_same(&target, data) ||
            (has_data && is_data(&target, data, task)))
            return cli_fail(err, BERTC_USAGE, "%s: is an input file or belongs to the model; choose another --%s",
                            path, outputs[i].option);
    }
    return BERTC_OK;
}
