/* Appending pieces to an encoding: ids, begin and end. The types are set when the encoding is finished. */
#ifndef BC_TOKENIZER_PIECES_H
#define BC_TOKENIZER_PIECES_H

#include "bertc/tokenizer.h"

/* Grow the arrays to at least count + more elements; false if out of memory. */
bool bc_encoding_grow(bertc_encoding *encoding, size_t more);

static inline bool bc_encoding_reserve(bertc_encoding *encoding, size_t more)
{
    return encoding->capacity - encoding->count >= more || bc_encoding_grow(encoding, more);
}

static inline void bc_encoding_put(bertc_encoding *encoding, int32_t id, size_t begin, size_t end)
{
    size_t i = encoding->count++;
    encoding->ids[i] = id;
    encoding->begin[i] = (uint32_t)begin;
    encoding->end[i] = (uint32_t)end;
}

#endif
