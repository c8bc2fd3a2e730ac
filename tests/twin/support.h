/* What tests of the number wing share: memory that is released as a whole, reproducible random
 * numbers, packed batches, and one measure of distance. */
#ifndef TWIN_SUPPORT_H
#define TWIN_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"
#include "bertc/config.h"

/* Cleared, 64-byte aligned memory that lives until twin_release. Ends the program where there is no
 * more. One thread alone may ask. */
void *twin_take(size_t count, size_t size);
double *twin_doubles(size_t count);
float *twin_floats(size_t count);

/* Releases everything; also a cmocka teardown. */
int twin_release(void **state);

/* Releases what was taken since twin_mark. */
const void *twin_mark(void);
void twin_release_to(const void *mark);

/* Normal numbers as a function of seed. The floats are those of the doubles, rounded. */
double *twin_random(size_t count, double deviation, uint64_t seed);
float *twin_random_floats(size_t count, double deviation, uint64_t seed);

/* A whole number in [0,below) as a function of (seed, index). */
uint32_t twin_below(uint64_t seed, uint64_t index, uint32_t below);

double *twin_widen(const float *x, size_t count);
float *twin_copy(const float *x, size_t count);
void twin_fill_nan(float *x, size_t count);

/* max |a - b| over max |b| (absolute where b is all zero); infinite where either holds a NaN. */
double twin_distance(const float *a, const double *b, size_t count);
double twin_distance_floats(const float *a, const float *b, size_t count);
double twin_largest(const double *x, size_t count);

/* A batch of `sequences` sequences of the given lengths, with random ids, types, labels and values
 * that fit the configuration; sequence s is example 7 s + 3. */
bertc_batch *twin_batch(const bertc_config *config, const int32_t *lengths, int32_t sequences, uint64_t seed);

/* A batch as a data set: of the arrays of the batch, but for starts. */
bertc_inputs twin_inputs(const bertc_batch *batch);

/* Sequences [first, first+count) of `batch` as a batch of their own. */
bertc_batch *twin_batch_part(const bertc_batch *batch, int32_t first, int32_t count);

/* A small configuration without strings of its own: nothing of it needs bertc_config_clear. */
bertc_config twin_config(int32_t layers, int32_t hidden, int32_t heads, int32_t intermediate,
                         int32_t labels, bertc_activation act);

#endif
