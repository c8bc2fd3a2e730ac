/* Fuzz the tokenizer of a model directory: any files give either a tokenizer with consistent ids, offsets and words, or
 * a one-line error.
 *
 * The input is the files in the order of `names`, each ended by a byte 0x1E; an empty file is absent. */
#include <sys/stat.h>

#include "bertc/tokenizer.h"

#include "fuzz.h"

enum { FILES = 6 };
static const char *const names[FILES] = {"vocab.txt",      "config.json",             "tokenizer_config.json",
                                         "tokenizer.json", "special_tokens_map.json", "added_tokens.json"};

static void put_files(const char *folder, const uint8_t *data, size_t size)
{
    for (int i = 0; i < FILES; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
        const uint8_t *end = size ? memchr(data, 0x1E, size) : NULL;
        size_t length = end ? (size_t)(end - data) : size;
        if (length > 0) fuzz_put(path, data, length);
        if (end) length++;
        data += length;
        size -= length;
    }
}

static void check_encoding(const bertc_tokenizer *tokenizer, bertc_encoding *e, const char *text)
{
    size_t length = strlen(text);
    FUZZ_CHECK(bertc_tokenizer_encode(tokenizer, e, text, length, text, length, 0, NULL) == BERTC_OK);
    for (size_t i = 0; i < e->count; i++) {
        size_t bytes = SIZE_MAX;
        FUZZ_CHECK(e->ids[i] >= 0 && e->ids[i] < bertc_tokenizer_size(tokenizer));
        FUZZ_CHECK(bertc_tokenizer_word(tokenizer, e->ids[i], &bytes) && bytes < SIZE_MAX);
        FUZZ_CHECK(e->begin[i] <= e->end[i] && e->end[i] <= length);
    }
}

/* Texts that contain the added tokens, alone and next to others. */
static void check_tokenizer(const bertc_tokenizer *tokenizer)
{
    bertc_tokenizer_options o = bertc_tokenizer_options_of(tokenizer);
    bertc_encoding encoding = {0};
    FUZZ_CHECK(o.added_count >= 0 && o.added_count <= BERTC_MAX_ADDED_TOKENS);
    check_encoding(tokenizer, &encoding, "a[MASK] The b, \xE4\xB8\xAD\xC3\xA9");
    for (int32_t i = 0; i < o.added_count; i++) {
        char text[3 * BERTC_MAX_ADDED_BYTES];
        snprintf(text, sizeof text, " %s\t%s_a %.3s", o.added[i].text, o.added[i].text, o.added[i].text);
        check_encoding(tokenizer, &encoding, text);
    }
    bertc_encoding_clear(&encoding);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[64];
    fuzz_path(folder, "dir");
    mkdir(folder, 0700);
    put_files(folder, data, size);
    bertc_vocab *vocab = NULL;
    bertc_tokenizer *tokenizer = NULL;
    bertc_error err = {0};
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_status status = bertc_vocab_load_dir(folder, &vocab, &err);
    FUZZ_CHECK(!status == (vocab != NULL));
    if (!status) status = bertc_tokenizer_read_options(folder, &options, &err);
    if (!status) status = bertc_tokenizer_create(vocab, &options, &tokenizer, &err);
    FUZZ_CHECK(!status == (tokenizer != NULL));
    FUZZ_CHECK(status == BERTC_OK || (status == BERTC_INPUT && *err.message));
    FUZZ_CHECK(!strchr(err.message, '\n'));
    if (tokenizer) check_tokenizer(tokenizer);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    put_files(folder, NULL, 0);
    rmdir(folder);
    return 0;
}
