/* Lines of a text to ids, on one thread. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"

void bench_tokenize(void)
{
    if (!settings.vocab || !settings.text)
        stop(BERTC_USAGE, "tokenize", "needs --vocab and --text");
    bertc_error err;
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_encoding encoding = {0};
    sample time = {0}, speed = {0};
    size_t size, tokens = 0;
    char *text = read_text(settings.text, &size);
    check(bertc_vocab_load(settings.vocab, &vocab, &err), &err);
    check(bertc_tokenizer_create(vocab, &options, &tokenizer, &err), &err);
    for (int r = -1; r < settings.rounds; r++) {
        double began = bc_clock();
        tokens = 0;
        for (const char *line = text, *next; line < text + size; line = next + 1) {
            next = memchr(line, '\n', (size_t)(text + size - line));
            if (!next) next = text + size;
            check(bertc_tokenizer_encode(tokenizer, &encoding, line, (size_t)(next - line), NULL, 0,
                                         0, &err),
                  &err);
            tokens += encoding.count;
        }
        double seconds = bc_clock() - began;
        if (r < 0) continue;
        add(&time, 1e3 * seconds);
        add(&speed, (double)size / seconds * 1e-6);
    }
    char what[NAME];
    snprintf(what, sizeof what, "tokenize %zu tokens", tokens);
    int threads = settings.threads;
    settings.threads = 1;
    print_figure(what, "ms", time, 0);
    print_figure("tokenize speed", "MB/s", speed, 0);
    settings.threads = threads;
    bertc_encoding_clear(&encoding);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    bc_free(text);
}
