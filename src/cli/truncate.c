/* bertc truncate: make a model from the first layers of another. */
#include <stddef.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/folder.h"

#define FIELD(name) offsetof(cli_truncate_values, name)

static const bertc_option rows[] = {
    {"model", BERTC_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "DIR", "the model whose layers are kept", 0},
    {"keep-layers", BERTC_OPTION_INT, FIELD(keep_layers), NULL, 1, 1000, NULL, "K",
     "number of layers to keep, from the first on", 0},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "DIR", "the model directory to make, absent or empty", 0},
};

const bertc_option *cli_truncate_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

/* Check the tokenizer: a model without a readable tokenizer would be useless. */
static bertc_status check_tokenizer(const char *dir, bertc_error *err)
{
    bertc_vocab *vocab = NULL;
    bertc_tokenizer *tokenizer = NULL;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_status status = bertc_vocab_load_dir(dir, &vocab, err);
    if (status == BERTC_OK) status = bertc_tokenizer_read_options(dir, &options, err);
    if (status == BERTC_OK) status = bertc_tokenizer_create(vocab, &options, &tokenizer, err);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    return status;
}

static bertc_status fill(const void *values, const char *folder, bertc_error *err)
{
    const cli_truncate_values *v = values;
    bertc_status status = bertc_model_truncate(v->model, (int32_t)v->keep_layers, folder, err);
    return status == BERTC_OK ? check_tokenizer(v->model, err) : status;
}

bertc_status cli_truncate(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_truncate_values *v = values;
    bertc_status status = cli_check_finished(v->model, err);
    return status == BERTC_OK ? cli_folder_fill(v->out, fill, v, err) : status;
}
