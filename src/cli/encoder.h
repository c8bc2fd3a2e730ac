/* A new model directory with random weights. */
#ifndef CLI_ENCODER_H
#define CLI_ENCODER_H

#include "bertc.h"

typedef struct cli_encoder {
    const char *vocab, *out; /* out: init's, where the folder goes in the end */
    int64_t layers, hidden, heads, intermediate, max_positions; /* intermediate 0: 4 x hidden */
    int64_t seed;
    double initializer_range;
    bool cased;
} cli_encoder;

/* Write it into `folder`, which is there and empty; where it fails, what was written stays. */
bertc_status cli_encoder_write(const cli_encoder *encoder, const char *folder, bertc_error *err);

#endif
