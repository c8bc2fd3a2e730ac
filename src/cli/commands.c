/* The table, and the command that explains it. */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "cli/inference.h"
#include "cli/error.h"
#include "cli/help.h"

typedef struct help_values {
    bool man;
} help_values;

static const bertc_option *help_table(size_t *count)
{
    static const bertc_option rows[] = {
        {"man", BERTC_OPTION_FLAG, offsetof(help_values, man), NULL, 0, 0, NULL, NULL, "print the man page", 0},
    };
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

static bertc_status help(const void *values, cli_arguments words, bertc_error *err)
{
    const help_values *v = values;
    const cli_command *command = words.count > 0 ? cli_command_find(words.word[0]) : NULL;
    if (words.count > 0 && !command) return cli_command_unknown(words.word[0], err);
    if (v->man) cli_man(stdout, cli_commands);
    else if (command) cli_help_command(stdout, command);
    else cli_help_overview(stdout, cli_commands);
    return BERTC_OK;
}

const cli_command cli_commands[] = {
    {
        .name = "finetune",
        .summary = "fine-tune a model on a GLUE task",
        .examples = "bertc finetune --task sst2 --model MODEL --data GLUE --out run\n"
                    "bertc finetune --task cola --model MODEL --data GLUE --out run --epochs 4 "
                    "--lr 3e-5 --seed 1\n"
                    "bertc finetune --task sst2 --model MODEL --data GLUE --out run "
                    "--save-every 500 --resume\n",
        .details = "Trains on the train split, scores the dev split and leaves in --out a folder\n"
                   "that 'bertc eval', 'bertc predict' and transformers load as a model. Prints\n"
                   "the dev scores as one JSON object, the same as 'bertc eval --json', or one\n"
                   "for each of --eval-splits. Scores have the plain loss, whatever weights and\n"
                   "smoothing the training has. Where the training loss ends at twice its start or\n"
                   "a split gets one answer for all, the summary and run.json say that the run did\n"
                   "not learn. SIGHUP, SIGINT, SIGUSR1 and SIGTERM save the state and end;\n"
                   "--resume goes on from it. Another that comes more than a second later ends\n"
                   "without saving.\n",
        .required = "task model data out",
        .table = bertc_train_option_table,
        .defaults = cli_finetune_defaults,
        .size = sizeof(bertc_train_options),
        .run = cli_finetune,
    },
    {
        .name = "plan",
        .summary = "say what a fine-tuning run will need: memory, time",
        .examples = "bertc plan --model MODEL --task sst2 --batch-size 32\n"
                    "bertc plan --task mnli --model MODEL --data GLUE --gradient-checkpointing 1 "
                    "--json\n",
        .details = "Takes the options of finetune and writes nothing. Without --data texts of\n"
                   "the lengths that GLUE's have stand in for it (cola, sst2, mrpc, stsb, mnli).\n"
                   "Memory is that of the largest batch, by part, from the plan that the run\n"
                   "allocates by. Where it can be had, a few steps are run and timed; where not,\n"
                   "the option is named with which the run would fit. In JSON sizes are bytes, a\n"
                   "number that has no value is null.\n",
        .required = "task model",
        .table = bertc_train_option_table,
        .more = cli_plan_more,
        .excluded = "out resume save-every",
        .defaults = cli_finetune_defaults,
        .size = sizeof(cli_plan_values),
        .run = cli_plan,
    },
    {
        .name = "eval",
        .summary = "score a fine-tuned model on a split",
        .examples = "bertc eval --task sst2 --model run --data GLUE\n"
                    "bertc eval --task mnli-mm --model run --data GLUE --json\n",
        .details = "Prints a table, or with --json one object, for example\n"
                   "{\"task\":\"sst2\",\"split\":\"dev\",\"examples\":872,\"loss\":0.21,"
                   "\"metrics\":{\"accuracy\":0.9243}}\n"
                   "where a number that has no value is null.\n",
        .required = "task model data",
        .table = cli_inference_table,
        .mask = CLI_EVAL,
        .more = bertc_predict_option_table,
        .size = sizeof(cli_inference_values),
        .run = cli_eval,
    },
    {
        .name = "predict",
        .summary = "predict labels for a split or for lines of text",
        .examples = "bertc predict --task sst2 --model run --data GLUE --split test --out SST-2.tsv\n"
                    "echo 'a fine film' | bertc predict --task sst2 --model run\n"
                    "printf 'a man sleeps\\ta person rests\\n' | bertc predict --task mnli "
                    "--model run\n",
        .details = "With --data the result is a GLUE submission file: a prediction for every row,\n"
                   "under what the row has in the column index (or id), else under its number from\n"
                   "0. Labels in the file are not looked at. Without --data each line of standard\n"
                   "input is a text (or two, separated by a TAB) and gives one line. The columns of\n"
                   "--logits are the labels in the order of 'bertc tasks'.\n",
        .required = "task model",
        .needs = {"split", "data"},
        .table = cli_inference_table,
        .mask = CLI_PREDICT,
        .more = bertc_predict_option_table,
        .size = sizeof(cli_inference_values),
        .run = cli_predict,
    },
    {
        .name = "embed",
        .summary = "write the outputs of an encoder's layers as features",
        .examples = "bertc embed --model MODEL < lines.txt > features.jsonl\n"
                    "bertc embed --model MODEL --layers -2 --pool cls --normalize --format npy --out x.npy "
                    "< lines.txt\n"
                    "bertc embed --model MODEL --task mrpc --data GLUE --split train --layers 9,10,11,12 "
                    "--combine concat --format npy --out x.npy\n"
                    "bertc embed --model MODEL --pool none --format npy --out x.npy --offsets starts.npy "
                    "< lines.txt\n",
        .details = "Values are those of output_hidden_states=True in transformers. Layers above\n"
                   "the highest that is asked for are not computed; neither pooler nor head is\n"
                   "needed. npy: rows of 32-bit floats for numpy.load. jsonl: an object a text\n"
                   "with \"index\", \"embedding\" and, by token, \"tokens\". tsv: index, by token\n"
                   "its number and word piece, then the values. Every row of a split is there, under\n"
                   "the index that predict gives it.\n",
        .required = "model",
        .needs = {"split", "data"},
        .table = cli_inference_table,
        .mask = CLI_EMBED,
        .more = bertc_predict_option_table,
        .size = sizeof(cli_inference_values),
        .run = cli_embed,
    },
    {
        .name = "tokenize",
        .summary = "turn lines of text into token ids",
        .examples = "bertc tokenize --model MODEL < lines.txt > ids.txt\n"
                    "bertc tokenize --vocab vocab.txt --cased --max-length 128 < lines.txt\n",
        .details = "Every line of standard input gives one line of ids, [CLS] and [SEP] included. The\n"
                   "lines come in their order, the same at any number of threads.\n",
        .table = cli_tokenize_table,
        .size = sizeof(cli_tokenize_values),
        .run = cli_tokenize,
    },
    {
        .name = "inspect",
        .summary = "list what a model directory or a tensor file holds",
        .examples = "bertc inspect MODEL\n"
                    "bertc inspect MODEL/model.safetensors\n",
        .operand = "DIR|FILE",
        .operand_required = true,
        .run = cli_inspect,
    },
    {
        .name = "tasks",
        .summary = "list the tasks",
        .examples = "bertc tasks\n",
        .run = cli_tasks,
    },
    {
        .name = "init",
        .summary = "make a model directory with random weights",
        .examples = "bertc init --layers 2 --hidden 128 --heads 2 --vocab vocab.txt --out model\n",
        .required = "vocab out",
        .table = cli_init_table,
        .size = sizeof(cli_init_values),
        .run = cli_init,
    },
    {
        .name = "truncate",
        .summary = "make a smaller model of the first layers of another",
        .examples = "bertc truncate --model MODEL --keep-layers 6 --out small\n",
        .details = "What is kept, the head too where there is one, is kept byte for byte; only\n"
                   "num_hidden_layers changes. 'bertc finetune --keep-layers' trains such a model\n"
                   "at once.\n",
        .required = "model keep-layers out",
        .table = cli_truncate_table,
        .size = sizeof(cli_truncate_values),
        .run = cli_truncate,
    },
    {
        .name = "sample",
        .summary = "write a miniature GLUE and a small encoder to try things with",
        .examples = "bertc sample --out sample\n"
                    "bertc finetune --task sst2 --model sample/model --data sample --out run --lr 5e-4\n",
        .details = "Generated text in the official file formats: a folder for each task,\n"
                   "corpus.txt, vocab.txt and model/, a small encoder with random weights.\n",
        .required = "out",
        .table = cli_sample_table,
        .size = sizeof(cli_sample_values),
        .run = cli_sample,
    },
    {
        .name = "help",
        .summary = "explain a command",
        .examples = "bertc help\n"
                    "bertc help finetune\n",
        .operand = "COMMAND",
        .table = help_table,
        .size = sizeof(help_values),
        .run = help,
    },
    {
        .name = "version",
        .summary = "print the versions of bertc and its libraries and the instruction set",
        .examples = "bertc version\n"
                    "bertc --version\n",
        .run = cli_version,
    },
    {.name = NULL},
};

const cli_command *cli_command_find(const char *name)
{
    for (const cli_command *command = cli_commands; command->name; command++)
        if (strcmp(command->name, name) == 0) return command;
    return NULL;
}

static const char *command_name(const void *context, size_t index)
{
    (void)context;
    return cli_commands[index].name;
}

bertc_status cli_command_unknown(const char *name, bertc_error *err)
{
    const char *nearest = cli_nearest(name, command_name, NULL);
    if (nearest) return cli_fail(err, BERTC_USAGE, "unknown command '%s', did you mean '%s'?", name, nearest);
    return cli_fail(err, BERTC_USAGE, "unknown command '%s', see 'bertc help'", name);
}
