/* A new model directory with random weights. */
#ifndef CLI_ENCODER_H
#define CLI_ENCODER_H

#include "bertc.h"

typedef struct cli_encoder {
    const char *vocab, *out;
    int64_t layers, hidden, heads, intermediate, max_positions; /* intermediate 0: 4 x hidden */
    int64_t seed;
    double initializer_range;
    bool cased;
} cli_encoder;

/* Write encoder->out, which must not hold a model yet. Where it fails, nothing of it is left behind. */
bertc_status cli_encoder_write(const cli_encoder *encoder, bertc_error *err);

#endif
