/* The option tables of fine-tuning and of inference, and what derives from them: defaults, checks, the record in
 * run.json, the comparison on resume. */
#include "run/options.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "run/freeze.h"
#include "tasks/tasks.h"

/* ---- Tables -------------------------------------------------------------------------------- */

static const bertc_choice samplings[] = {
    {"proportional", BERTC_PROPORTIONAL}, {"annealed", BERTC_ANNEALED}, {"uniform", BERTC_UNIFORM}, {NULL, 0}};
static const bertc_choice recipes[] = {{"hf", BERTC_RECIPE_HF}, {"google", BERTC_RECIPE_GOOGLE}, {NULL, 0}};
static const bertc_choice schedules[] = {{"linear", BERTC_SCHEDULE_LINEAR}, {"cosine", BERTC_SCHEDULE_COSINE},
                                         {"constant", BERTC_SCHEDULE_CONSTANT}, {NULL, 0}};
static const bertc_choice trained[] = {{"all", BERTC_TRAIN_ALL}, {"bias", BERTC_TRAIN_BIASES}, {NULL, 0}};
static const bertc_choice lora_saves[] = {{"merged", BERTC_LORA_MERGED}, {"adapter", BERTC_LORA_ADAPTER}, {NULL, 0}};
static const bertc_choice keeps[] = {{"last", BERTC_KEEP_LAST}, {"best", BERTC_KEEP_BEST}, {NULL, 0}};
static const bertc_choice longs[] = {
    {"head", BERTC_LONG_HEAD}, {"tail", BERTC_LONG_TAIL}, {"windows", BERTC_LONG_WINDOWS}, {NULL, 0}};
static const bertc_choice predict_longs[] = {{"trained", BERTC_LONG_DEFAULT},
                                             {"head", BERTC_LONG_HEAD},
                                             {"tail", BERTC_LONG_TAIL},
                                             {"windows", BERTC_LONG_WINDOWS},
                                             {NULL, 0}};
#define BEST(metric) ((int)BERTC_BEST_METRIC + (int)(metric))
static const bertc_choice best_metrics[] = {{"primary", BERTC_BEST_PRIMARY},
                                            {"accuracy", BEST(BERTC_ACCURACY)},
                                            {"f1", BEST(BERTC_F1)},
                                            {"f1_macro", BEST(BERTC_F1_MACRO)},
                                            {"f1_micro", BEST(BERTC_F1_MICRO)},
                                            {"f1_weighted", BEST(BERTC_F1_WEIGHTED)},
                                            {"precision", BEST(BERTC_PRECISION)},
                                            {"precision_macro", BEST(BERTC_PRECISION_MACRO)},
                                            {"precision_micro", BEST(BERTC_PRECISION_MICRO)},
                                            {"recall", BEST(BERTC_RECALL)},
                                            {"recall_macro", BEST(BERTC_RECALL_MACRO)},
                                            {"recall_micro", BEST(BERTC_RECALL_MICRO)},
                                            {"matthews", BEST(BERTC_MATTHEWS)},
                                            {"auc", BEST(BERTC_AUC)},
                                            {"average_precision", BEST(BERTC_AVERAGE_PRECISION)},
                                            {"subset_accuracy", BEST(BERTC_SUBSET_ACCURACY)},
                                            {"mse", BEST(BERTC_MSE)},
                                            {"mae", BEST(BERTC_MAE)},
                                            {"r2", BEST(BERTC_R2)},
                                            {"pearson", BEST(BERTC_PEARSON)},
                                            {"spearman", BEST(BERTC_SPEARMAN)},
                                            {"loss", BEST(BERTC_LOSS)},
                                            {NULL, 0}};
static const bertc_choice kinds[] = {{"auto", BERTC_KIND_FOUND},
                                     {"classification", BERTC_KIND_GIVEN + (int)BERTC_CLASSIFICATION},
                                     {"multilabel", BERTC_KIND_GIVEN + (int)BERTC_MULTILABEL},
                                     {"regression", BERTC_KIND_GIVEN + (int)BERTC_REGRESSION},
                                     {NULL, 0}};
static const bertc_choice quotes[] = {
    {"auto", BERTC_QUOTES_BY_NAME}, {"on", BERTC_QUOTES_ON}, {"off", BERTC_QUOTES_OFF}, {NULL, 0}};
static const bertc_choice headers[] = {{"on", BERTC_HEADER_ON}, {"off", BERTC_HEADER_OFF}, {NULL, 0}};
static const bertc_choice precisions[] = {{"f32", BERTC_F32}, {"bf16", BERTC_BF16}, {"auto", BERTC_AUTO}, {NULL, 0}};
static const bertc_choice backends[] = {{"onednn", 0}, {"openblas", 1}, {"reference", 2}, {NULL, 0}};

/* Flags of table entries. FREE: a resumed run may change the option, because the result does not depend on it, or
 * because its content is compared instead (model and data by their hashes). HIDDEN: the option is not recorded.
 * OPTIONAL: a TEXT that may be null. OWN: the option describes a user's own task. */
enum { FREE = 1, HIDDEN = 2, OPTIONAL = 4, OWN = BERTC_OPTION_OWN };

/* Entries that both tables have; `type` is the struct of the options. */
#define PRECISION(type)                                                                                              \
    {"precision", BERTC_OPTION_CHOICE, offsetof(type, precision), "f32", 0, 0, precisions, "TYPE",                   \
     "number type of the encoder's matrix products; auto: bf16 if the backend and the processor support it, else f32", \
     0}
#define BACKEND(type)                                                                                                \
    {"backend", BERTC_OPTION_CHOICE, offsetof(type, backend), "onednn", 0, 0, backends, "NAME",                      \
     "library that computes matrix products", 0}
#define THREADS(type)                                                                                                \
    {"threads", BERTC_OPTION_INT, offsetof(type, threads), "0", 0, 4096, NULL, "N",                                  \
     "number of processor threads; 0: one for each available core, but at most OMP_NUM_THREADS and the quota of the " \
     "control group", FREE}
#define FIELD(name) offsetof(bertc_train_options, name)

static const bertc_option rows[] = {
    {"task", BERTC_OPTION_TEXT, FIELD(task), NULL, 0, 0, NULL, "TASK",
     "the task to train, see 'bertc tasks': a name, a task file FILE.json, or custom, which is described by --train "
     "and "
     "the options after it; several tasks separated by commas, such as sst2,cola,stsb, share one encoder and have a "
     "head "
     "each",
     0},
    {"task-sampling", BERTC_OPTION_CHOICE, FIELD(task_sampling), "proportional", 0, 0, samplings, "HOW",
     "how the task of each step is chosen if there are several; proportional: in proportion to the numbers of training "
     "examples; uniform: each equally often; annealed: from proportional to nearly uniform over the epochs",
     0},
    {"model", BERTC_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "DIR",
     "the model to start from: a Hugging Face directory", FREE},
    {"data", BERTC_OPTION_TEXT, FIELD(data), NULL, 0, 0, NULL, "DIR",
     "the data: the GLUE folder or the task's own folder, with GLUE's files or tables of Hugging Face datasets (CSV, "
     "TSV, "
     "JSON lines); for custom, a folder with the tables train, dev (or validation) and test",
     FREE | OPTIONAL},
    {"train", BERTC_OPTION_TEXT, FIELD(own.train), NULL, 0, 0, NULL, "FILE",
     "training table of --task custom: .csv, .tsv, .jsonl or .json, maybe followed by .gz", FREE | OPTIONAL | OWN},
    {"dev", BERTC_OPTION_TEXT, FIELD(own.dev), NULL, 0, 0, NULL, "FILE",
     "dev table of --task custom; default: rows of the training table, see --dev-share", FREE | OPTIONAL | OWN},
    {"test", BERTC_OPTION_TEXT, FIELD(own.test), NULL, 0, 0, NULL, "FILE", "test table of --task custom",
     FREE | OPTIONAL | OWN},
    {"dev-share", BERTC_OPTION_REAL, FIELD(own.dev_share), NULL, 0, 0.9, NULL, "R",
     "share of the training table that is the dev split if there is no dev table, chosen by the texts, in each class "
     "in "
     "proportion; 0: no dev split and no evaluation; default 0.1",
     OWN},
    {"text-column", BERTC_OPTION_TEXT, FIELD(own.text_column), NULL, 0, 0, NULL, "COLUMN",
     "column of the texts; default: found by its usual name, such as text or sentence", OPTIONAL | OWN},
    {"pair-column", BERTC_OPTION_TEXT, FIELD(own.pair_column), NULL, 0, 0, NULL, "COLUMN",
     "column of the second texts of pairs; default: found by its usual name, such as sentence2", OPTIONAL | OWN},
    {"label-column", BERTC_OPTION_TEXT, FIELD(own.label_column), NULL, 0, 0, NULL, "COLUMN",
     "column of the labels; default: found by its usual name, such as label or category", OPTIONAL | OWN},
    {"label-separator", BERTC_OPTION_TEXT, FIELD(own.label_separator), NULL, 0, 0, NULL, "CHARACTER",
     "character between the labels of a row that has several, such as ',' or '|' or ' '; a JSON list needs none",
     OPTIONAL | OWN},
    {"label-columns", BERTC_OPTION_TEXT, FIELD(own.label_columns), NULL, 0, 0, NULL, "COLUMN,...",
     "columns that contain 1 if the label of their name applies to the row and 0 if not", OPTIONAL | OWN},
    {"kind", BERTC_OPTION_CHOICE, FIELD(own.kind), "auto", 0, 0, kinds, "KIND",
     "what is predicted: one of the classes of the training table, any number of its labels, or a value; auto: any "
     "number "
     "of labels if --label-separator or --label-columns is given or all labels are JSON lists, a value if all labels "
     "are "
     "numbers and one of them is not whole, else a class",
     OWN},
    {"quotes", BERTC_OPTION_CHOICE, FIELD(own.quotes), "auto", 0, 0, quotes, "WHERE",
     "on: fields in .tsv files may be in quotes as in CSV; off or auto: quotes in .tsv files are text", OWN},
    {"header", BERTC_OPTION_CHOICE, FIELD(own.header), "on", 0, 0, headers, "WHETHER",
     "off: the tables have no header, and columns are numbers from 1", OWN},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "DIR",
     "the run folder: new or empty, or with --resume the folder of the run to continue", FREE | HIDDEN},
    {"epochs", BERTC_OPTION_REAL, FIELD(epochs), "3", 1e-6, 1e6, NULL, "N",
     "number of epochs, in each of which every training example is used once; may be a fraction", 0},
    {"batch-size", BERTC_OPTION_INT, FIELD(batch_size), "32", 1, 65536, NULL, "N", "number of sequences in a step", 0},
    {"lr", BERTC_OPTION_REAL, FIELD(lr), "2e-5", 0, 1e30, NULL, "RATE", "the maximum learning rate of the schedule", 0},
    {"max-length", BERTC_OPTION_INT, FIELD(max_length), NULL, BC_MIN_LENGTH, BC_MAX_LENGTH, NULL, "TOKENS",
     "maximum number of tokens of a text; --long decides about longer texts; default 128, or the model's maximum if "
     "that is smaller",
     0},
    {"long", BERTC_OPTION_CHOICE, FIELD(long_texts), "head", 0, 0, longs, "HOW",
     "what happens to texts longer than --max-length; head: the first tokens are kept; tail: the last tokens are kept; "
     "windows: each text is cut into overlapping windows, of a pair the longer text; a window is a training example "
     "with "
     "the text's label, and the logits of a text are the means over its windows",
     0},
    {"window-overlap", BERTC_OPTION_INT, FIELD(window_overlap), NULL, 0, BC_MAX_LENGTH, NULL, "TOKENS",
     "number of tokens of a text that two neighbouring windows share; default a quarter of --max-length", 0},
    {"recipe", BERTC_OPTION_CHOICE, FIELD(recipe), "hf", 0, 0, recipes, "NAME",
     "optimiser and learning rate schedule; hf: as in transformers; google: as in Google's BERT code", 0},
    {"schedule", BERTC_OPTION_CHOICE, FIELD(schedule), "linear", 0, 0, schedules, "SHAPE",
     "learning rate after the warm-up; linear: falls in a line to 0; cosine: falls along half a cosine to 0; constant: "
     "stays at --lr",
     0},
    {"warmup-ratio", BERTC_OPTION_REAL, FIELD(warmup_ratio), NULL, 0, 1, NULL, "R",
     "fraction of the steps during which the learning rate rises; default 0 (hf) or 0.1 (google)", 0},
    {"warmup-steps", BERTC_OPTION_INT, FIELD(warmup_steps), NULL, 0, 2147483647, NULL, "N",
     "number of steps during which the learning rate rises, in place of --warmup-ratio", 0},
    {"weight-decay", BERTC_OPTION_REAL, FIELD(weight_decay), NULL, 0, 1e6, NULL, "W",
     "weight decay of all parameters except biases and LayerNorm; default 0 (hf) or 0.01 (google)", 0},
    {"max-grad-norm", BERTC_OPTION_REAL, FIELD(max_grad_norm), "1", 0, 1e30, NULL, "NORM",
     "maximum norm of the gradients; larger gradients are scaled down to it; 0: no limit", 0},
    {"dropout", BERTC_OPTION_REAL, FIELD(dropout), NULL, 0, 0.99, NULL, "P",
     "dropout probability of this run, in place of all dropout probabilities of the model; default the model's own", 0},
    {"freeze", BERTC_OPTION_TEXT, FIELD(freeze), "none", 0, 0, NULL, "N|embeddings|all",
     "parts that are not trained and have no dropout; none: no part; embeddings: the embeddings; N: the embeddings and "
     "the first N layers; all: everything but the head",
     0},
    {"unfreeze-schedule", BERTC_OPTION_TEXT, FIELD(unfreeze_schedule), "none", 0, 0, NULL,
     "EPOCH:FREEZE,...|each-epoch",
     "parts that stay frozen in later epochs; EPOCH:FREEZE,...: from EPOCH on, only FREEZE (a value of --freeze), such "
     "as 1:8,2:4,3:none after '--freeze all'; each-epoch: one more layer is trained after every epoch, from the last "
     "layer down; none: no change during the run",
     0},
    {"train-only", BERTC_OPTION_CHOICE, FIELD(train_only), "all", 0, 0, trained, "WHICH",
     "parameters of the encoder that are trained, besides the head; all: every parameter; bias: only the biases", 0},
    {"head-lr", BERTC_OPTION_REAL, FIELD(head_lr), NULL, 0, 1e30, NULL, "RATE",
     "learning rate of the head; default the value of --lr", 0},
    {"layer-lr-decay", BERTC_OPTION_REAL, FIELD(layer_lr_decay), "1", 1e-6, 1, NULL, "R",
     "factor of the learning rate from each layer to the layer below it, down to the embeddings; 1: the same rate", 0},
    {"keep-layers", BERTC_OPTION_INT, FIELD(keep_layers), "0", 0, 1000, NULL, "K",
     "number of layers of the trained model, which has only the first K layers of --model; 0: all layers", 0},
    {"feature-layer", BERTC_OPTION_INT, FIELD(feature_layer), "0", 0, 1000, NULL, "K",
     "layer on whose output a new head is trained: the same as --keep-layers K --freeze K with a newly initialized "
     "pooler and a newly initialized head; 0: off",
     0},
    {"reinit-layers", BERTC_OPTION_INT, FIELD(reinit_layers), "0", 0, 1000, NULL, "K",
     "number of last layers that are newly initialized before training, together with the pooler; 0: none", 0},
    {"class-weights", BERTC_OPTION_TEXT, FIELD(class_weights), "none", 0, 0, NULL, "balanced|W,W,...",
     "weights of the classes in the loss, in the order of 'bertc tasks'; balanced: in inverse proportion to the "
     "numbers of training examples; none: equal weights. For a multi-label task the weights of the examples that have "
     "a "
     "label (pos_weight); balanced: the number of examples without the label for each with it, at most 100",
     0},
    {"label-smoothing", BERTC_OPTION_REAL, FIELD(label_smoothing), "0", 0, 1, NULL, "E",
     "fraction of the target that is spread evenly over the classes", 0},
    {"lora-rank", BERTC_OPTION_INT, FIELD(lora_rank), "0", 0, 1024, NULL, "R",
     "rank of LoRA adapters; only the adapters and the head are then trained; 0: no adapters", 0},
    {"lora-alpha", BERTC_OPTION_REAL, FIELD(lora_alpha), "8", 1e-6, 1e6, NULL, "A",
     "scale of LoRA adapters: the product of their two matrices is multiplied by A/R", 0},
    {"lora-dropout", BERTC_OPTION_REAL, FIELD(lora_dropout), "0", 0, 0.99, NULL, "P",
     "dropout probability of the input of LoRA adapters", 0},
    {"lora-targets", BERTC_OPTION_TEXT, FIELD(lora_targets), "query,value", 0, 0, NULL, "NAME,...",
     "linear layers that get LoRA adapters: query, key, value, attention.output.dense, intermediate.dense, "
     "output.dense (which includes attention.output.dense, as in peft), or all",
     0},
    {"lora-save", BERTC_OPTION_CHOICE, FIELD(lora_save), "merged", 0, 0, lora_saves, "HOW",
     "form of the result; merged: a complete model; adapter: a directory that peft loads on top of --model", 0},
    {"seed", BERTC_OPTION_INT, FIELD(seed), "42", 0, 9007199254740991.0, NULL, "N",
     "seed of the order of examples, of dropout and of newly initialized parameters", 0},
    {"no-shuffle", BERTC_OPTION_FLAG, FIELD(no_shuffle), NULL, 0, 0, NULL, NULL,
     "take the training examples in the order of the file", 0},
    {"max-steps", BERTC_OPTION_INT, FIELD(max_steps), "0", 0, 2147483647, NULL, "N",
     "maximum number of steps, at which the learning rate schedule ends too; 0: no maximum", 0},
    {"limit-train", BERTC_OPTION_INT, FIELD(limit_train), "0", 0, 2147483647, NULL, "N",
     "number of training examples to use, the first of the file; 0: all", 0},
    {"stratified", BERTC_OPTION_FLAG, FIELD(stratified), NULL, 0, 0, NULL, NULL,
     "draw the examples of --limit-train by seed and keep the proportions of the classes, or in a regression the "
     "proportions of ten groups of targets",
     0},
    {"limit-eval", BERTC_OPTION_INT, FIELD(limit_eval), "0", 0, 2147483647, NULL, "N",
     "number of examples of each evaluation split to use, the first of the file; 0: all", 0},
    {"eval-splits", BERTC_OPTION_TEXT, FIELD(eval_splits), "dev", 0, 0, NULL, "LIST",
     "evaluation splits, such as dev,mnli-mm: train, dev or test of the task, or the name of another task with the "
     "same labels, which stands for its dev split; the first split decides which evaluation is best",
     0},
    {"eval-every", BERTC_OPTION_INT, FIELD(eval_every), "0", 0, 2147483647, NULL, "STEPS",
     "number of steps between evaluations; 0: only at the end, or with --keep best or --patience after each epoch", 0},
    {"keep", BERTC_OPTION_CHOICE, FIELD(keep), "last", 0, 0, keeps, "WHICH",
     "weights that become the result; last: those after the last step; best: those of the best evaluation", 0},
    {"metrics", BERTC_OPTION_TEXT, FIELD(metrics), "own", 0, 0, NULL, "LIST",
     "metrics to report, any of those of --best-metric that fit the task, such as own,auc; own: the task's own; all: "
     "every metric that fits",
     0},
    {"best-metric", BERTC_OPTION_CHOICE, FIELD(best_metric), "primary", 0, 0, best_metrics, "METRIC",
     "metric that decides which evaluation is best: the largest value, or the smallest loss, mse or mae; primary: the "
     "task's first metric",
     0},
    {"tune-thresholds", BERTC_OPTION_FLAG, FIELD(tune_thresholds), NULL, 0, 0, NULL, NULL,
     "for multi-label tasks: choose for each label the probability from which it is predicted, so that its F1 on the "
     "first "
     "evaluation split is largest; without this flag 0.5",
     0},
    {"patience", BERTC_OPTION_INT, FIELD(patience), "0", 0, 2147483647, NULL, "N",
     "number of evaluations in a row without a new best after which the run ends; 0: never", 0},
    {"save-every", BERTC_OPTION_TEXT, FIELD(save_every), "auto", 0, 0, NULL, "STEPS|MINUTESm",
     "interval between checkpoints: a number of steps, or of minutes such as 10m; 0: only when the run is interrupted; "
     "auto: 10m if the disk has enough space",
     FREE},
    {"resume", BERTC_OPTION_FLAG, FIELD(resume), NULL, 0, 0, NULL, NULL,
     "continue the run in --out from its newest checkpoint, or start it if there is no checkpoint", FREE | HIDDEN},
    {"micro-batch-tokens", BERTC_OPTION_INT, FIELD(micro_batch_tokens), "8192", 1, 16777216, NULL, "N",
     "maximum number of tokens of a micro-batch, the part of a batch that is computed at once; its size changes the "
     "result only by rounding",
     0},
    {"gradient-checkpointing", BERTC_OPTION_INT, FIELD(gradient_checkpointing), "0", 0, 1000, NULL, "N",
     "keep only the input of every Nth layer for the backward pass, which computes the other values again, to the same "
     "bits; 1 needs the least memory; 0: keep everything",
     FREE},
    {"cache-memory", BERTC_OPTION_INT, FIELD(cache_memory), "4096", 0, 1e9, NULL, "MB",
     "maximum memory for cached outputs of layers that stay frozen for the whole run; 0: none", FREE},
    {"cache-disk", BERTC_OPTION_INT, FIELD(cache_disk), "16384", 0, 1e9, NULL, "MB",
     "maximum size of a file for the outputs that do not fit in --cache-memory; further outputs are computed again in "
     "each epoch; 0: no file",
     FREE},
    {"cache-dir", BERTC_OPTION_TEXT, FIELD(cache_dir), "none", 0, 0, NULL, "DIR",
     "folder of cached outputs for later runs with the same frozen layers and texts; none: no such folder", FREE},
    {"eval-batch-size", BERTC_OPTION_INT, FIELD(eval_batch_size), "32", 1, 65536, NULL, "N",
     "number of sequences computed together in evaluation", 0},
    PRECISION(bertc_train_options),
    BACKEND(bertc_train_options),
    THREADS(bertc_train_options),
};

static const bertc_option predict_rows[] = {
    {"max-length", BERTC_OPTION_INT, offsetof(bertc_predict_options, max_length), NULL, BC_MIN_LENGTH, BC_MAX_LENGTH,
     NULL, "TOKENS",
     "maximum number of tokens of a text; --long decides about longer texts; default the value that the model was "
     "trained with, else 128, or the model's maximum if that is smaller", 0},
    {"long", BERTC_OPTION_CHOICE, offsetof(bertc_predict_options, long_texts), "trained", 0, 0, predict_longs, "HOW",
     "what happens to texts longer than --max-length; trained: what the model was trained with, else head; head: the "
     "first tokens are kept; tail: the last tokens are kept; windows: each text is cut into overlapping windows, of a "
     "pair the longer text, and its logits are the means over its windows", 0},
    {"window-overlap", BERTC_OPTION_INT, offsetof(bertc_predict_options, window_overlap), NULL, 0, BC_MAX_LENGTH, NULL,
     "TOKENS", "number of tokens of a text that two neighbouring windows share; default a quarter of --max-length", 0},
    {"batch-size", BERTC_OPTION_INT, offsetof(bertc_predict_options, batch_size), "32", 1, 65536, NULL, "N",
     "number of sequences computed together", 0},
    {"limit", BERTC_OPTION_INT, offsetof(bertc_predict_options, limit), "0", 0, 2147483647, NULL, "N",
     "number of examples to use, the first of the data; 0: all", 0},
    PRECISION(bertc_predict_options),
    BACKEND(bertc_predict_options),
    THREADS(bertc_predict_options),
};

enum { ROWS = sizeof rows / sizeof *rows, PREDICT_ROWS = sizeof predict_rows / sizeof *predict_rows };

const bertc_option *bertc_train_option_table(size_t *count)
{
    if (count) *count = ROWS;
    return rows;
}

const bertc_option *bertc_predict_option_table(size_t *count)
{
    if (count) *count = PREDICT_ROWS;
    return predict_rows;
}

static const char *choice_name(const bertc_option *row, int value)
{
    const bertc_choice *choice = row->choices;
    while (choice->name && choice->value != value) choice++;
    return choice->name;
}

/* The value of an INT without a default that stands for "not given": 0, or -1 if 0 is a value of the option. */
static int64_t unset_int(const bertc_option *row)
{
    return row->min > 0 ? 0 : -1;
}

/* A number without a default is unset: INT as above, REAL -1. */
void bertc_train_defaults(bertc_train_options *options)
{
    if (!options) return;
    *options = (bertc_train_options){0};
    for (const bertc_option *row = rows; row < rows + ROWS; row++) {
        void *at = (char *)options + row->offset;
        double number = -1;
        const bertc_choice *choice = row->choices;
        if (row->kind == BERTC_OPTION_TEXT) *(const char **)at = row->initial;
        while (choice && strcmp(choice->name, row->initial) != 0) choice++;
        if (choice) *(int *)at = choice->value;
        if (row->kind == BERTC_OPTION_INT)
            *(int64_t *)at = row->initial ? strtoll(row->initial, NULL, 10) : unset_int(row);
        if (row->kind == BERTC_OPTION_REAL && row->initial)
            bc_parse_number(row->initial, strlen(row->initial), &number);
        if (row->kind == BERTC_OPTION_REAL) *(double *)at = number;
    }
}

/* ---- Checks -------------------------------------------------------------------------------- */

/* Whether a field holds the value that stands for "not given". */
static bool is_unset(const bertc_option *row, const void *at)
{
    if (row->initial) return false;
    if (row->kind == BERTC_OPTION_INT) return *(const int64_t *)at == unset_int(row);
    if (row->kind == BERTC_OPTION_TEXT) return (row->commands & OPTIONAL) && !*(const char *const *)at;
    return row->kind == BERTC_OPTION_REAL && *(const double *)at < 0;
}

static bool in_range(const bertc_option *row, const void *at)
{
    double value;
    switch (row->kind) {
    case BERTC_OPTION_INT: value = (double)*(const int64_t *)at; break;
    case BERTC_OPTION_REAL: value = *(const double *)at; break;
    case BERTC_OPTION_CHOICE: return choice_name(row, *(const int *)at) != NULL;
    case BERTC_OPTION_TEXT: return *(const char *const *)at != NULL;
    default: return true;
    }
    return value >= row->min && value <= row->max;
}

static bertc_status check_rows(const bertc_option *table, size_t count, const void *options, bertc_error *err)
{
    for (const bertc_option *row = table; row < table + count; row++) {
        const void *at = (const char *)options + row->offset;
        if (is_unset(row, at) || in_range(row, at)) continue;
        return bc_fail(err, BERTC_USAGE, "--%s is %s", row->name,
                       row->kind == BERTC_OPTION_TEXT ? "missing" : "out of range");
    }
    return BERTC_OK;
}

bertc_status bc_options_check(const bertc_train_options *options, bertc_error *err)
{
    return check_rows(rows, ROWS, options, err);
}

const char *bc_options_of_own_task(const bertc_train_options *options)
{
    for (const bertc_option *row = rows; row < rows + ROWS; row++) {
        const void *at = (const char *)options + row->offset;
        bool given = row->kind == BERTC_OPTION_CHOICE ? *(const int *)at != row->choices->value : !is_unset(row, at);
        if ((row->commands & OWN) && given) return row->name;
    }
    return NULL;
}

bertc_status bc_options_check_predict(const bertc_predict_options *o, bertc_error *err)
{
    if (!o->model) return bc_fail(err, BERTC_USAGE, "--model is missing");
    if ((unsigned)o->split >= BERTC_SPLITS) return bc_fail(err, BERTC_USAGE, "--split is out of range");
    bertc_status status = check_rows(predict_rows, PREDICT_ROWS, o, err);
    return status == BERTC_OK ? bc_options_check_windows(o->long_texts, o->window_overlap > 0, err) : status;
}

bertc_status bc_options_check_windows(int long_texts, bool given, bertc_error *err)
{
    if (!given || long_texts == BERTC_LONG_WINDOWS) return BERTC_OK;
    return bc_fail(err, BERTC_USAGE, "--window-overlap has no effect without '--long windows'");
}

/* Check that no option changes what --feature-layer trains. */
static bertc_status check_feature(const bertc_train_options *o, bertc_error *err)
{
    const struct {
        const char *name;
        bool given;
    } others[] = {{"freeze", strcmp(o->freeze, "none") != 0},
                  {"unfreeze-schedule", strcmp(o->unfreeze_schedule, "none") != 0},
                  {"train-only", o->train_only != BERTC_TRAIN_ALL},
                  {"keep-layers", o->keep_layers > 0},
                  {"reinit-layers", o->reinit_layers > 0}};
    for (size_t i = 0; o->feature_layer > 0 && i < sizeof others / sizeof *others; i++)
        if (others[i].given)
            return bc_fail(err, BERTC_USAGE, "--feature-layer cannot be combined with --%s", others[i].name);
    return BERTC_OK;
}

bertc_status bc_options_precision(const char *backend, bertc_precision *precision, bertc_error *err)
{
    bertc_precision plain = BERTC_F32;
    bertc_error why = {0};
    bertc_status status = bertc_precision_resolve(backend, &plain, &why);
    if (status == BERTC_USAGE) return bc_fail(err, status, "%s; choose another --backend", why.message);
    if (status == BERTC_OK) status = bertc_precision_resolve(backend, precision, &why);
    const char *option = status == BERTC_USAGE && *precision == BERTC_BF16 ? "--precision bf16: " : "";
    return status == BERTC_OK ? status : bc_fail(err, status, "%s%s", option, why.message);
}

bertc_status bc_options_kept_layers(const bertc_train_options *o, int32_t *layers, bertc_error *err)
{
    bool feature = o->feature_layer > 0;
    int64_t wanted = feature ? o->feature_layer : o->keep_layers;
    bertc_status status = check_feature(o, err);
    if (status != BERTC_OK || wanted == 0) return status;
    if (wanted > *layers)
        return bc_fail(err, BERTC_USAGE, "--%s %d: the model has %d layer%s",
                       feature ? "feature-layer" : "keep-layers", (int)wanted, (int)*layers, *layers == 1 ? "" : "s");
    *layers = (int32_t)wanted;
    return BERTC_OK;
}

bertc_status bc_options_frozen_stages(const bertc_train_options *o, int32_t layers, int32_t *frozen, bertc_error *err)
{
    int32_t first;
    bertc_status status = bc_freeze_check(o, layers, &first, frozen, err);
    if (status != BERTC_OK) return status;
    if (o->reinit_layers > layers)
        return bc_fail(err, BERTC_USAGE, "--reinit-layers %d: the trained model has %d layer%s",
                       (int)o->reinit_layers, (int)layers, layers == 1 ? "" : "s");
    if (o->reinit_layers > 0 && bc_layers_below(first, layers) > layers - (int32_t)o->reinit_layers)
        return bc_fail(err, BERTC_USAGE, "--reinit-layers %d: some of these layers are frozen by --freeze %s",
                       (int)o->reinit_layers, o->freeze);
    const char *idle = o->train_only != BERTC_TRAIN_ALL ? "train-only"
                       : o->layer_lr_decay != 1         ? "layer-lr-decay"
                       : o->gradient_checkpointing > 0  ? "gradient-checkpointing"
                                                        : NULL;
    if (idle && *frozen > bc_stage_pooler(layers))
        return bc_fail(err, BERTC_USAGE, "--%s has no effect with --freeze all", idle);
    if (strcmp(o->cache_dir, "none") != 0 && bc_layers_below(*frozen, layers) == 0)
        return bc_fail(err, BERTC_USAGE, "--cache-dir: no layer stays frozen; add --freeze, such as --freeze all");
    if (o->head_lr >= 0 && o->lr == 0)
        return bc_fail(err, BERTC_USAGE, "--head-lr needs an --lr above 0; to train only the head use --freeze all");
    return BERTC_OK;
}

bertc_status bc_options_parse_save_interval(const bertc_train_options *o, bc_save_interval *interval, bertc_error *err)
{
    enum { DIGITS = 10, MAX = 2147483647 };
    const char *text = o->save_every;
    size_t digits = strspn(text, "0123456789");
    bool minutes = digits > 0 && strcmp(text + digits, "m") == 0;
    long long number = digits <= DIGITS ? strtoll(text, NULL, 10) : MAX + 1LL;
    *interval = (bc_save_interval){.is_auto = strcmp(text, "auto") == 0};
    if (interval->is_auto) return BERTC_OK;
    if (digits == 0 || (text[digits] && !minutes) || number > MAX || (minutes && number == 0))
        return bc_fail(err, BERTC_USAGE,
                       "--save-every: '%s' is not auto, a number of steps up to %d, or of minutes such as 10m", text,
                       (int)MAX);
    if (minutes) interval->seconds = 60.0 * (double)number;
    else interval->steps = number;
    return BERTC_OK;
}

/* ---- Record and comparison ----------------------------------------------------------------- */

static void put_value(bc_text *out, const bertc_option *row, const void *at)
{
    if (is_unset(row, at)) {
        bc_text_printf(out, "null");
        return;
    }
    switch (row->kind) {
    case BERTC_OPTION_FLAG: bc_text_printf(out, "%s", *(const bool *)at ? "true" : "false"); break;
    case BERTC_OPTION_INT: bc_text_printf(out, "%lld", (long long)*(const int64_t *)at); break;
    case BERTC_OPTION_REAL: bc_json_put_double(out, *(const double *)at); break;
    case BERTC_OPTION_TEXT: bc_text_quote(out, *(const char *const *)at); break;
    case BERTC_OPTION_CHOICE: bc_text_printf(out, "\"%s\"", choice_name(row, *(const int *)at)); break;
    }
}

void bc_options_record(bc_text *out, const bertc_train_options *options)
{
    const char *separator = "{";
    for (size_t i = 0; i < ROWS; i++) {
        const void *at = (const char *)options + rows[i].offset;
        if (rows[i].commands & HIDDEN) continue;
        bc_text_printf(out, "%s\"%s\":", separator, rows[i].name);
        put_value(out, &rows[i], at);
        separator = ",";
    }
    bc_text_printf(out, "}");
}

/* Parse the record of `options`. */
static bertc_status to_tree(const bertc_train_options *options, cJSON **tree, bertc_error *err)
{
    bc_text text = {0};
    bc_options_record(&text, options);
    bertc_status status =
        text.failed ? bc_fail_memory(err) : bc_json_parse(text.bytes, text.length, "options", tree, err);
    bc_text_clear(&text);
    return status;
}

/* Return the recorded value of an option, or its default if the version that recorded the options did not have it. */
static const cJSON *recorded(const cJSON *stored, const cJSON *defaults, const char *name)
{
    const cJSON *item = bc_json_get(stored, name);
    return item ? item : bc_json_get(defaults, name);
}

/* Return the first option that was recorded with another value than it has now; or null. */
static const bertc_option *first_difference(const cJSON *stored, const cJSON *defaults, const cJSON *now)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].commands & FREE) continue;
        const cJSON *x = recorded(stored, defaults, rows[i].name), *y = bc_json_get(now, rows[i].name);
        if (!x || !y || !cJSON_Compare(x, y, true)) return &rows[i];
        if (cJSON_IsNumber(x) && x->valuedouble != y->valuedouble) return &rows[i];
    }
    return NULL;
}

/* Append an option's recorded value for a message. */
static void put_shown(bc_text *out, const cJSON *item)
{
    const char *flag = cJSON_IsTrue(item) ? "given" : cJSON_IsFalse(item) ? "not given" : "unset";
    if (cJSON_IsNumber(item)) bc_json_put_double(out, item->valuedouble);
    else bc_text_printf(out, "%s", cJSON_IsString(item) ? item->valuestring : flag);
}

static bertc_status fail_different(const char *name, const cJSON *before, const cJSON *now, const char *place,
                                   bertc_error *err)
{
    bc_text was = {0}, is = {0};
    put_shown(&was, before);
    put_shown(&is, now);
    bertc_status status = was.failed || is.failed
                              ? bc_fail_memory(err)
                              : bc_fail(err, BERTC_USAGE, "%s: --%s was %s in this run and is %s now", place, name,
                                        was.bytes, is.bytes);
    bc_text_clear(&was);
    bc_text_clear(&is);
    return status;
}

bertc_status bc_options_read_long(const cJSON *options, const char *place, int *long_texts, int64_t *overlap,
                                  bertc_error *err)
{
    const cJSON *name = bc_json_get(options, "long");
    const bertc_choice *choice = longs;
    while (name && choice->name && !(cJSON_IsString(name) && strcmp(choice->name, name->valuestring) == 0)) choice++;
    if (!choice->name) return bc_fail(err, BERTC_INPUT, "%s: options.long is not head, tail or windows", place);
    if (name) *long_texts = choice->value;
    return bc_json_int(options, "window-overlap", 0, BC_MAX_LENGTH, place, overlap, err);
}

bertc_status bc_options_compare(const bertc_train_options *options, const cJSON *stored,
                                const char *place, bertc_error *err)
{
    bertc_train_options initial;
    cJSON *now = NULL, *defaults = NULL;
    bertc_train_defaults(&initial);
    initial.task = initial.model = ""; /* always recorded, so these defaults are not used */
    bertc_status status = to_tree(options, &now, err);
    if (status == BERTC_OK) status = to_tree(&initial, &defaults, err);
    const bertc_option *row = status == BERTC_OK ? first_difference(stored, defaults, now) : NULL;
    if (row)
        status = fail_different(row->name, recorded(stored, defaults, row->name), bc_json_get(now, row->name), place,
                                err);
    cJSON_Delete(now);
    cJSON_Delete(defaults);
    return status;
}
