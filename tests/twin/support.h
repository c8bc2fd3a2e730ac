/* Helpers of the tests of src/nn: memory that is freed at once, reproducible random numbers, packed batches, and a
 * measure of distance. */
#ifndef TWIN_SUPPORT_H
#define TWIN_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"
#include "bertc/config.h"

/* Allocate cleared, 64-byte aligned memory, which twin_release frees. Exits the program if there is none. Only for one
 * thread at a time. */
void *twin_take(size_t count, size_t size);
double *twin_doubles(size_t count);
float *twin_floats(size_t count);

/* Free all memory. This is also a cmocka teardown. */
int twin_release(void **state);

/* Free the memory that was allocated after a mark. */
const void *twin_mark(void);
void twin_release_to(const void *mark);

/* Normal random numbers as a function of seed. The floats are the doubles rounded. */
double *twin_random(size_t count, double deviation, uint64_t seed);
float *twin_random_floats(size_t count, double deviation, uint64_t seed);

/* A random integer in [0,below) as a function of (seed, index). */
uint32_t twin_below(uint64_t seed, uint64_t index, uint32_t below);

double *twin_widen(const float *x, size_t count);
float *twin_copy(const float *x, size_t count);
void twin_fill_nan(float *x, size_t count);

/* max |a - b| / max |b|, or max |a - b| if b is all zero. It is infinite if a or b contains a NaN. */
double twin_distance(const float *a, const double *b, size_t count);
double twin_distance_floats(const float *a, const float *b, size_t count);
double twin_largest(const double *x, size_t count);

/* Make a batch of `sequences` sequences of the given lengths, with random ids, types, labels and values that fit the
 * config. Sequence s is example 7 s + 3. */
bertc_batch *twin_batch(const bertc_config *config, const int32_t *lengths, int32_t sequences, uint64_t seed);

/* Make a data set of a batch. It uses the arrays of the batch, except for the starts. */
bertc_inputs twin_inputs(const bertc_batch *batch);

/* Copy the sequences [first,first+count) of a batch into a new batch. */
bertc_batch *twin_batch_part(const bertc_batch *batch, int32_t first, int32_t count);

/* Make a small config. It owns no memory, so it needs no bertc_config_clear. */
bertc_config twin_config(int32_t layers, int32_t hidden, int32_t heads, int32_t intermediate,
                         int32_t labels, bertc_activation act);

#endif
