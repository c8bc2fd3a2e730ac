#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/encoder.h"
#include "cli/error.h"
#include "cli/folder.h"

#define FIELD(name) offsetof(cli_encoder, name)

static const bertc_option rows[] = {
    {"vocab", BERTC_OPTION_TEXT, FIELD(vocab), NULL, 0, 0, NULL, "FILE",
     "the vocabulary: one word piece a line", 0},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "DIR", "the new model directory, new or empty", 0},
    {"layers", BERTC_OPTION_INT, FIELD(layers), "2", 1, 1000, NULL, "N", "encoder layers", 0},
    {"hidden", BERTC_OPTION_INT, FIELD(hidden), "128", 1, 16384, NULL, "N",
     "features of a token; a multiple of the heads", 0},
    {"heads", BERTC_OPTION_INT, FIELD(heads), "2", 1, 1024, NULL, "N", "attention heads", 0},
    {"intermediate", BERTC_OPTION_INT, FIELD(intermediate), "0", 0, 262144, NULL, "N",
     "features inside a layer; 0: four times the hidden size", 0},
    {"max-positions", BERTC_OPTION_INT, FIELD(max_positions), "512", 3, 1000000, NULL, "TOKENS",
     "the longest text that the model can read", 0},
    {"initializer-range", BERTC_OPTION_REAL, FIELD(initializer_range), "0.02", 0, 1, NULL, "SD",
     "standard deviation of the weights; small models learn faster from 0.05", 0},
    {"seed", BERTC_OPTION_INT, FIELD(seed), "42", 0, 9007199254740991.0, NULL, "N",
     "the weights are a function of it", 0},
    {"cased", BERTC_OPTION_FLAG, FIELD(cased), NULL, 0, 0, NULL, NULL,
     "the vocabulary has upper case and accents", 0},
};

const bertc_option *cli_init_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

static bertc_status fill(const void *values, const char *folder, bertc_error *err)
{
    return cli_encoder_write(values, folder, err);
}

bertc_status cli_init(const void *values, cli_words words, bertc_error *err)
{
    (void)words;
    const cli_encoder *encoder = values;
    if (encoder->hidden % encoder->heads != 0)
        return cli_fail(err, BERTC_USAGE, "--hidden %lld is not a multiple of --heads %lld",
                        (long long)encoder->hidden, (long long)encoder->heads);
    return cli_folder_fill(encoder->out, fill, encoder, err);
}
