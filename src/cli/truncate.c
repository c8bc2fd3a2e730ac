#include <stddef.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/output.h"
#include "cli/signals.h"

#define FIELD(name) offsetof(cli_truncate_values, name)

static const bertc_option rows[] = {
    {"model", BERTC_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "DIR", "the model to take layers from", 0},
    {"keep-layers", BERTC_OPTION_INT, FIELD(keep_layers), NULL, 1, 1000, NULL, "K",
     "how many of its layers to keep, from the first on", 0},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "DIR", "the new model directory", 0},
};

const bertc_option *cli_truncate_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

/* A signal waits for the end of the writing; what was written then goes, as it does where that fails. */
bertc_status cli_truncate(const void *values, cli_words words, bertc_error *err)
{
    (void)words;
    const cli_truncate_values *v = values;
    bool created;
    bertc_status status = cli_folder_check_empty(v->out, err);
    if (status == BERTC_OK) status = cli_signals_watch(err);
    if (status == BERTC_OK) status = cli_folder_create(v->out, &created, err);
    if (status != BERTC_OK) return status;
    status = bertc_model_truncate(v->model, (int32_t)v->keep_layers, v->out, err);
    if (status == BERTC_OK && cli_signals_status() != BERTC_OK)
        status = cli_fail(err, cli_signals_status(), "stopped");
    if (status == BERTC_OK) return status;
    cli_folder_empty(v->out);
    if (created) rmdir(v->out);
    return status;
}
