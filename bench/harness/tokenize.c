/* The tokenizer alone, and the reading and tokenising of a data set. */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"

static bertc_tokenizer *open_tokenizer(const bench_settings *s, bertc_vocab **vocab)
{
    bertc_error err = {0};
    bertc_tokenizer *tokenizer;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    check(bertc_vocab_load(s->vocab, vocab, &err), &err);
    check(bertc_tokenizer_create(*vocab, &options, &tokenizer, &err), &err);
    return tokenizer;
}

/* Encode all lines one by one; return the number of tokens. */
static size_t encode_lines(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *text, size_t size)
{
    bertc_error err = {0};
    size_t tokens = 0;
    for (const char *line = text, *next; line < text + size; line = next + 1) {
        next = memchr(line, '\n', (size_t)(text + size - line));
        if (!next) next = text + size;
        check(bertc_tokenizer_encode(tokenizer, encoding, line, (size_t)(next - line), NULL, 0, 0, &err), &err);
        tokens += encoding->count;
    }
    return tokens;
}

void bench_tokenize(const bench_settings *s)
{
    if (!s->vocab || !s->text) fail(BERTC_USAGE, "tokenize", "needs --vocab and --text");
    bench_settings single = *s;
    single.threads = 1;
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer = open_tokenizer(s, &vocab);
    bertc_encoding encoding = {0};
    sample time = {0}, speed = {0};
    size_t size, tokens = 0;
    char *text = read_text(s->text, &size), what[NAME];
    if (size == 0) fail(BERTC_INPUT, s->text, "is empty");
    for (int r = -1; r < s->rounds; r++) {
        double began = bc_clock();
        tokens = encode_lines(tokenizer, &encoding, text, size);
        double seconds = bc_clock() - began;
        if (r < 0) continue;
        add(&time, 1e3 * seconds);
        add(&speed, (double)size / seconds * 1e-6);
    }
    snprintf(what, sizeof what, "tokenize %zu tokens", tokens);
    bench_work work = {.bytes = size};
    print_result(&single, what, "ms", time, work);
    print_result(&single, "tokenize speed", "MB/s", speed, work);
    bertc_encoding_clear(&encoding);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    bc_free(text);
}

void bench_inputs(const bench_settings *s)
{
    if (!s->vocab || !s->data) fail(BERTC_USAGE, "inputs", "needs --vocab and --data");
    bertc_error err = {0};
    bertc_vocab *vocab;
    bertc_dataset *dataset;
    bertc_tokenizer *tokenizer = open_tokenizer(s, &vocab);
    sample read = {0}, time = {0};
    bench_work work = {0};
    omp_set_num_threads((int)s->threads);
    for (int r = -1; r < s->rounds; r++) {
        bertc_inputs *inputs;
        double began = bc_clock();
        check(bertc_dataset_read(bertc_task_find("sst2"), s->data, BERTC_TRAIN, 0, &dataset, &err), &err);
        double middle = bc_clock();
        check(bertc_inputs_create(tokenizer, dataset, 128, NULL, &inputs, &err), &err);
        double ended = bc_clock();
        work.bytes = 0;
        for (size_t i = 0; i < dataset->count; i++) work.bytes += dataset->examples[i].na;
        bertc_inputs_free(inputs);
        bertc_dataset_free(dataset);
        if (r < 0) continue;
        add(&read, 1e3 * (middle - began));
        add(&time, 1e3 * (ended - middle));
    }
    print_result(s, "inputs: reading", "ms", read, work);
    print_result(s, "inputs: tokenising", "ms", time, work);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
}
