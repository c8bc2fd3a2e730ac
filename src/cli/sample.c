/* bertc sample: write the miniature GLUE. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/folder.h"
#include "cli/output.h"

static const bertc_option rows[] = {
    {"out", BERTC_OPTION_TEXT, offsetof(cli_sample_values, out), NULL, 0, 0, NULL, "DIR",
     "the folder to make, absent or empty", 0},
    {"seed", BERTC_OPTION_INT, offsetof(cli_sample_values, seed), "42", 0, 9007199254740991.0, NULL, "N",
     "seed of the sample", 0},
};

const bertc_option *cli_sample_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

/* Write the sample, and a small encoder that learns it from scratch in minutes. */
static bertc_status fill(const void *values, const char *folder, bertc_error *err)
{
    const cli_sample_values *v = values;
    char *vocab = cli_path_join(folder, "vocab.txt"), *model = cli_path_join(folder, "model");
    const cli_init_values encoder = {.vocab = vocab,
                                     .layers = 2,
                                     .hidden = 128,
                                     .heads = 2,
                                     .intermediate = 512,
                                     .max_positions = 128,
                                     .seed = v->seed,
                                     .initializer_range = 0.05};
    bertc_status status = vocab && model ? bertc_sample_write(folder, (uint64_t)v->seed, err) : cli_fail_memory(err);
    if (status == BERTC_OK && mkdir(model, 0777) != 0) status = cli_fail_errno(err, model, "cannot create folder");
    if (status == BERTC_OK) status = cli_init_write(&encoder, model, err);
    free(vocab);
    free(model);
    return status;
}

bertc_status cli_sample(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_sample_values *v = values;
    return cli_folder_fill(v->out, fill, v, err);
}
