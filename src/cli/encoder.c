#include "cli/encoder.h"

#include <stdio.h>

#include "cli/error.h"
#include "cli/output.h"

/* What AutoTokenizer needs to know. */
static bertc_status write_tokenizer_config(const cli_encoder *encoder, const char *folder, bertc_error *err)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "{\n  \"cls_token\": \"[CLS]\",\n  \"do_lower_case\": %s,\n"
                     "  \"mask_token\": \"[MASK]\",\n  \"model_max_length\": %lld,\n"
                     "  \"pad_token\": \"[PAD]\",\n  \"sep_token\": \"[SEP]\",\n"
                     "  \"strip_accents\": null,\n  \"tokenize_chinese_chars\": true,\n"
                     "  \"tokenizer_class\": \"BertTokenizer\",\n  \"unk_token\": \"[UNK]\"\n}\n",
                     encoder->cased ? "false" : "true", (long long)encoder->max_positions);
    return cli_file_write(folder, "tokenizer_config.json", text, (size_t)n, err);
}

static bertc_status write_files(const cli_encoder *encoder, const bertc_model *model,
                                const bertc_vocab *vocab, const char *folder, bertc_error *err)
{
    size_t length;
    const char *text = bertc_vocab_text(vocab, &length);
    bertc_status status = cli_file_write(folder, "vocab.txt", text, length, err);
    if (status == BERTC_OK) status = write_tokenizer_config(encoder, folder, err);
    return status == BERTC_OK ? bertc_model_save(model, folder, err) : status;
}

static bertc_status fill_config(const cli_encoder *encoder, const bertc_vocab *vocab,
                                bertc_config *config, bertc_error *err)
{
    bertc_special_ids special = bertc_vocab_specials(vocab);
    config->vocab_size = bertc_vocab_size(vocab);
    config->hidden_size = (int32_t)encoder->hidden;
    config->num_hidden_layers = (int32_t)encoder->layers;
    config->num_attention_heads = (int32_t)encoder->heads;
    config->intermediate_size =
        (int32_t)(encoder->intermediate > 0 ? encoder->intermediate : 4 * encoder->hidden);
    config->max_position_embeddings = (int32_t)encoder->max_positions;
    config->initializer_range = encoder->initializer_range;
    config->pad_token_id = special.pad >= 0 ? special.pad : 0;
    return bertc_config_check(config, "the new model", err);
}

/* A tokenizer is made to learn whether the vocabulary serves one. */
static bertc_status check_vocab(const cli_encoder *encoder, const bertc_vocab *vocab,
                                bertc_error *err)
{
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.do_lower_case = !encoder->cased;
    bertc_tokenizer *tokenizer = NULL;
    bertc_status status = bertc_tokenizer_create(vocab, &options, &tokenizer, err);
    bertc_tokenizer_free(tokenizer);
    return status;
}

bertc_status cli_encoder_write(const cli_encoder *encoder, const char *folder, bertc_error *err)
{
    bertc_vocab *vocab = NULL;
    bertc_model *model = NULL;
    bertc_config config = {0};
    bertc_model_options options = {.threads = 1, .seed = (uint64_t)encoder->seed};
    bertc_status status = bertc_vocab_load(encoder->vocab, &vocab, err);
    if (status == BERTC_OK) status = check_vocab(encoder, vocab, err);
    if (status == BERTC_OK) status = bertc_config_init(&config, err);
    if (status == BERTC_OK) status = fill_config(encoder, vocab, &config, err);
    if (status == BERTC_OK) status = bertc_model_create(&config, &options, &model, err);
    if (status == BERTC_OK) status = write_files(encoder, model, vocab, folder, err);
    bertc_model_free(model);
    bertc_config_clear(&config);
    bertc_vocab_free(vocab);
    return status;
}
