/* The table of commands, and the command help. */
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

static bertc_status help(const void *values, cli_arguments arguments, bertc_error *err)
{
    const help_values *v = values;
    const cli_command *command = arguments.count > 0 ? cli_command_find(arguments.value[0]) : NULL;
    if (arguments.count > 0 && !command) return cli_command_unknown(arguments.value[0], err);
    if (v->man) cli_man(stdout, cli_commands);
    else if (command) cli_help_command(stdout, command);
    else cli_help_overview(stdout, cli_commands);
    return BERTC_OK;
}

const cli_command cli_commands[] = {
    {
        .name = "finetune",
        .summary = "fine-tune a model on a GLUE task or on your own data",
        .examples = "bertc finetune --task sst2 --model MODEL --data GLUE --out run\n"
                    "bertc finetune --task cola --model MODEL --data GLUE --out run --epochs 4 "
                    "--lr 3e-5 --seed 1\n"
                    "bertc finetune --task sst2 --model MODEL --data GLUE --out run "
                    "--save-every 500 --resume\n"
                    "bertc finetune --task custom --train tickets.csv --model MODEL --out run\n"
                    "bertc finetune --task tickets.json --model MODEL --out run\n",
        .details = "Trains on the train split, evaluates the dev split and writes to --out a folder\n"
                   "that 'bertc eval', 'bertc predict' and transformers load as a model. Prints\n"
                   "the dev scores as one JSON object, the same as 'bertc eval --json', or one\n"
                   "object for each of --eval-splits. The loss in the scores is the plain loss,\n"
                   "without class weights and label smoothing. If the training loss ends at twice\n"
                   "its start or more, or if the predictions for a split are all the same, the\n"
                   "summary and run.json report that the run did not learn. --task custom reads your\n"
                   "own tables; a task file FILE.json describes them once and for all, and the run\n"
                   "leaves one, task.json, for 'bertc eval' and 'bertc predict'. SIGHUP, SIGINT, SIGUSR1\n"
                   "and SIGTERM save the state and end the run; --resume continues it. A second\n"
                   "signal, more than a second later, ends the run without saving.\n",
        .required = "task model out",
        .table = bertc_train_option_table,
        .defaults = cli_finetune_defaults,
        .size = sizeof(bertc_train_options),
        .run = cli_finetune,
    },
    {
        .name = "plan",
        .summary = "estimate the memory and time of a fine-tuning run",
        .examples = "bertc plan --model MODEL --task sst2 --batch-size 32\n"
                    "bertc plan --task mnli --model MODEL --data GLUE --gradient-checkpointing 1 "
                    "--json\n",
        .details = "Takes the options of finetune and writes nothing. Without --data, it uses\n"
                   "synthetic texts as long as those of GLUE (cola, sst2, mrpc, stsb, mnli). Lists\n"
                   "the memory of the largest batch, by part; a run allocates the same amounts. If\n"
                   "this memory is available, a few steps are run and timed. If it is not, the\n"
                   "output gives an option with which the run would fit. In JSON, sizes are in\n"
                   "bytes; an unknown limit and a time that was not measured are null.\n",
        .required = "task model",
        .table = bertc_train_option_table,
        .more = cli_plan_more,
        .excluded = "out resume save-every",
        .defaults = cli_finetune_defaults,
        .size = sizeof(cli_plan_values),
        .run = cli_plan,
    },
    {
        .name = "data",
        .summary = "show what a data set contains, and what would spoil a run",
        .examples = "bertc data tickets.csv\n"
                    "bertc data tickets.csv --model MODEL --max-length 64\n"
                    "bertc data --train train.csv --dev dev.csv --json\n"
                    "bertc data --task tickets.json\n"
                    "bertc data GLUE\n",
        .details = "Reads a table, a folder with the tables train, dev (or validation) and test, the\n"
                   "tables of a task file, or each task in a GLUE folder, as finetune reads them.\n"
                   "Shows the columns, the rows (for GLUE beside the official numbers), labels with\n"
                   "their numbers, the lengths of the texts and how many are cut, empty texts,\n"
                   "duplicates, texts with conflicting labels and texts that are in two splits.\n"
                   "Fails as finetune does if the data cannot be used, after it has shown what was\n"
                   "read before. Without a dev table the rows are divided as finetune divides them;\n"
                   "--dev-share 0 shows them as one split.\n",
        .operand = "FILE|DIR",
        .table = bertc_train_option_table,
        .mask = BERTC_OPTION_OWN,
        .more = cli_data_more,
        .defaults = cli_finetune_defaults,
        .size = sizeof(cli_data_values),
        .run = cli_data,
    },
    {
        .name = "eval",
        .summary = "evaluate a fine-tuned model on a split",
        .examples = "bertc eval --model run --data GLUE\n"
                    "bertc eval --task mnli-mm --model run --data GLUE --json\n"
                    "bertc eval --task mnli --model run --data GLUE --metrics own,f1_macro,auc --by-class\n"
                    "bertc eval --model run --split test\n"
                    "bertc eval --model run --data more.csv\n",
        .details = "Prints a table, or one object with --json, for example\n"
                   "{\"task\":\"sst2\",\"split\":\"dev\",\"examples\":872,\"loss\":0.21,"
                   "\"metrics\":{\"accuracy\":0.9243}}\n"
                   "A metric that is not defined, such as a correlation with a constant, is null.\n"
                   "Metrics equal scikit-learn's and scipy's:\n"
                   "f1, precision and recall are of the second of two classes; _macro is the mean\n"
                   "over the classes that occur, _micro is over the counts of all classes, and\n"
                   "_weighted is the mean weighted by the numbers of examples; a quotient 0/0 is 0.\n"
                   "auc and average_precision of more than two classes are means over all classes,\n"
                   "each against the others, by their probabilities. --by-class adds \"classes\" and\n"
                   "\"confusion\", a row for each label, to the object; with more than 20 classes\n"
                   "\"confusions\", the 20 most frequent ones.\n",
        .required = "model",
        .needs = {"window-overlap", "long"},
        .table = cli_inference_table,
        .mask = CLI_EVAL,
        .more = bertc_predict_option_table,
        .defaults = cli_inference_defaults,
        .size = sizeof(cli_inference_values),
        .run = cli_eval,
    },
    {
        .name = "predict",
        .summary = "predict labels for a split, a table or lines of text",
        .examples = "bertc predict --model run --data GLUE --split test --out SST-2.tsv\n"
                    "echo 'a fine film' | bertc predict --model run\n"
                    "bertc predict --model run --data films.csv --probabilities --keep-columns all "
                    "--format csv\n"
                    "tail -f log.txt | bertc predict --model run --top-k 3 --format jsonl\n"
                    "printf 'a man sleeps\\ta person rests\\n' | bertc predict --task mnli "
                    "--model run\n",
        .details = "Without --data, each line of standard input is one text, or two texts separated\n"
                   "by a TAB, and gives one line of output: the name of the label, or the value. The\n"
                   "answers to all lines that are there are printed at once. The end of the input\n"
                   "(Ctrl-D) ends the command. With the folder of a GLUE task as --data, the output\n"
                   "is a GLUE submission file with a prediction for every row. The index of a row is\n"
                   "its value in the column index (or id); without such a column the rows are\n"
                   "counted from 0. Labels in the file are ignored. --format, --probabilities,\n"
                   "--top-k, --threshold and --keep-columns, or one file as --data, give a table with\n"
                   "the names of labels. A cell with a TAB or a line end does not fit into tsv, but\n"
                   "into csv and jsonl. The columns of --logits are the labels in the order of\n"
                   "'bertc tasks'.\n",
        .required = "model",
        .needs = {"split", "data", "window-overlap", "long"},
        .table = cli_inference_table,
        .mask = CLI_PREDICT,
        .more = bertc_predict_option_table,
        .defaults = cli_inference_defaults,
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
                   "the highest requested layer are not computed; neither pooler nor head is\n"
                   "needed. The format npy is an array of 32-bit floats for numpy.load. jsonl is one\n"
                   "object for each text, with \"index\" and \"embedding\", and with \"tokens\" if\n"
                   "--pool is none. tsv is one line for each text: the index, then the values; if\n"
                   "--pool is none, one line for each token: the index, the token's position in the\n"
                   "text, its word piece, then the values. Every row of a split is written, with\n"
                   "the index that predict gives it. Texts are not cut into windows.\n",
        .required = "model",
        .needs = {"split", "task"},
        .table = cli_inference_table,
        .mask = CLI_EMBED,
        .more = bertc_predict_option_table,
        .excluded = "window-overlap",
        .size = sizeof(cli_inference_values),
        .run = cli_embed,
    },
    {
        .name = "tokenize",
        .summary = "turn lines of text into token ids",
        .examples = "bertc tokenize --model MODEL < lines.txt > ids.txt\n"
                    "bertc tokenize --vocab vocab.txt --cased --max-length 128 < lines.txt\n",
        .details = "Each line of standard input gives one line of ids, including [CLS] and [SEP]. The\n"
                   "order and content of the lines do not depend on the number of threads.\n",
        .needs = {"long", "max-length"},
        .table = cli_tokenize_table,
        .size = sizeof(cli_tokenize_values),
        .run = cli_tokenize,
    },
    {
        .name = "inspect",
        .summary = "list the tensors of a model directory or a tensor file",
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
        .summary = "make a smaller model from the first layers of another",
        .examples = "bertc truncate --model MODEL --keep-layers 6 --out small\n",
        .details = "The tensors that are kept, and the head if there is one, are copied byte for\n"
                   "byte; only num_hidden_layers changes. 'bertc finetune --keep-layers' trains such\n"
                   "a model without a separate step.\n",
        .required = "model keep-layers out",
        .table = cli_truncate_table,
        .size = sizeof(cli_truncate_values),
        .run = cli_truncate,
    },
    {
        .name = "sample",
        .summary = "write a miniature GLUE and a small encoder for trying bertc out",
        .examples = "bertc sample --out sample\n"
                    "bertc finetune --task sst2 --model sample/model --data sample --out run --lr 5e-4\n",
        .details = "Writes generated texts in the official file formats: a folder for each task,\n"
                   "corpus.txt and vocab.txt. model/ is a small encoder with random weights.\n",
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
    const char *nearest = bertc_nearest(name, command_name, NULL);
    if (nearest) return cli_fail(err, BERTC_USAGE, "unknown command '%s', did you mean '%s'?", name, nearest);
    return cli_fail(err, BERTC_USAGE, "unknown command '%s', see 'bertc help'", name);
}
