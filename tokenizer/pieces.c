#include "tokenizer/pieces.h"

#include <string.h>

#include "base/memory.h"

/* Grow one array of 32-bit values. */
static bool grow(void *array, size_t capacity)
{
    void *old, *made;
    memcpy(&old, array, sizeof old);
    made = bc_realloc(old, capacity, sizeof(int32_t));
    if (made) memcpy(array, &made, sizeof made);
    return made != NULL;
}

bool bc_encoding_grow(bertc_encoding *encoding, size_t more)
{
    size_t capacity = (encoding->count + more) * 2 + 32;
    if (!grow(&encoding->ids, capacity) || !grow(&encoding->types, capacity) ||
        !grow(&encoding->begin, capacity) || !grow(&encoding->end, capacity))
        return false;
    encoding->capacity = capacity;
    return true;
}
