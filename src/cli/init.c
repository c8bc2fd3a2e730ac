/* bertc init: make a model directory with random weights. */
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/folder.h"
#include "cli/output.h"

#define FIELD(name) offsetof(cli_init_values, name)

static const bertc_option rows[] = {
    {"vocab", BERTC_OPTION_TEXT, FIELD(vocab), NULL, 0, 0, NULL, "FILE", "the vocabulary, one word piece per line", 0},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "DIR", "the model directory to make, absent or empty", 0},
    {"layers", BERTC_OPTION_INT, FIELD(layers), "2", 1, 1000, NULL, "N", "number of encoder layers", 0},
    {"hidden", BERTC_OPTION_INT, FIELD(hidden), "128", 1, 16384, NULL, "N",
     "number of features per token, a multiple of the number of heads", 0},
    {"heads", BERTC_OPTION_INT, FIELD(heads), "2", 1, 1024, NULL, "N", "number of attention heads", 0},
    {"intermediate", BERTC_OPTION_INT, FIELD(intermediate), "0", 0, 262144, NULL, "N",
     "number of features of the feed-forward layer; 0: four times the hidden size", 0},
    {"max-positions", BERTC_OPTION_INT, FIELD(max_positions), "512", 3, 1000000, NULL, "TOKENS",
     "maximum number of tokens of a text", 0},
    {"initializer-range", BERTC_OPTION_REAL, FIELD(initializer_range), "0.02", 0, 1, NULL, "SD",
     "standard deviation of the weights; small models learn faster with 0.05", 0},
    {"seed", BERTC_OPTION_INT, FIELD(seed), "42", 0, 9007199254740991.0, NULL, "N",
     "seed of the random weights", 0},
    {"cased", BERTC_OPTION_FLAG, FIELD(cased), NULL, 0, 0, NULL, NULL,
     "the vocabulary has upper case and accents", 0},
};

const bertc_option *cli_init_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

/* Write the settings that AutoTokenizer needs. */
static bertc_status write_tokenizer_config(const cli_init_values *v, const char *folder, bertc_error *err)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "{\n  \"cls_token\": \"[CLS]\",\n  \"do_lower_case\": %s,\n"
                     "  \"mask_token\": \"[MASK]\",\n  \"model_max_length\": %lld,\n"
                     "  \"pad_token\": \"[PAD]\",\n  \"sep_token\": \"[SEP]\",\n"
                     "  \"strip_accents\": null,\n  \"tokenize_chinese_chars\": true,\n"
                     "  \"tokenizer_class\": \"BertTokenizer\",\n  \"unk_token\": \"[UNK]\"\n}\n",
                     v->cased ? "false" : "true", (long long)v->max_positions);
    return cli_file_write(folder, "tokenizer_config.json", text, (size_t)n, err);
}

static bertc_status fill_config(const cli_init_values *v, const bertc_vocab *vocab, bertc_config *config,
                                bertc_error *err)
{
    bertc_special_ids special = bertc_vocab_specials(vocab);
    config->vocab_size = bertc_vocab_size(vocab);
    config->hidden_size = (int32_t)v->hidden;
    config->num_hidden_layers = (int32_t)v->layers;
    config->num_attention_heads = (int32_t)v->heads;
    config->intermediate_size = (int32_t)(v->intermediate > 0 ? v->intermediate : 4 * v->hidden);
    config->max_position_embeddings = (int32_t)v->max_positions;
    config->initializer_range = v->initializer_range;
    config->pad_token_id = special.pad >= 0 ? special.pad : 0;
    return bertc_config_check(config, "the new model", err);
}

/* A tokenizer is created to check the vocabulary. */
bertc_status cli_init_write(const cli_init_values *v, const char *folder, bertc_error *err)
{
    bertc_vocab *vocab = NULL;
    bertc_tokenizer *tokenizer = NULL;
    bertc_model *model = NULL;
    bertc_config config = {0};
    size_t length;
    bertc_tokenizer_options tokenizer_options = bertc_tokenizer_defaults();
    tokenizer_options.do_lower_case = !v->cased;
    bertc_model_options options = {.threads = 1, .seed = (uint64_t)v->seed};
    bertc_status status = bertc_vocab_load(v->vocab, &vocab, err);
    if (status == BERTC_OK) status = bertc_tokenizer_create(vocab, &tokenizer_options, &tokenizer, err);
    bertc_tokenizer_free(tokenizer);
    if (status == BERTC_OK) status = bertc_config_init(&config, err);
    if (status == BERTC_OK) status = fill_config(v, vocab, &config, err);
    if (status == BERTC_OK) status = bertc_model_create(&config, &options, &model, err);
    const char *text = status == BERTC_OK ? bertc_vocab_text(vocab, &length) : NULL;
    if (status == BERTC_OK) status = cli_file_write(folder, "vocab.txt", text, length, err);
    if (status == BERTC_OK) status = write_tokenizer_config(v, folder, err);
    if (status == BERTC_OK) status = bertc_model_save(model, folder, err);
    bertc_model_free(model);
    bertc_config_clear(&config);
    bertc_vocab_free(vocab);
    return status;
}

static bertc_status fill(const void *values, const char *folder, bertc_error *err)
{
    return cli_init_write(values, folder, err);
}

bertc_status cli_init(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_init_values *v = values;
    if (v->hidden % v->heads != 0)
        return cli_fail(err, BERTC_USAGE, "--hidden %lld is not a multiple of --heads %lld", (long long)v->hidden,
                        (long long)v->heads);
    return cli_folder_fill(v->out, fill, v, err);
}
