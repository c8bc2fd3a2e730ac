#include "tokenizer/pieces.h"

#include <string.h>

#include "base/memory.h"

/* Grow one array of 32-bit values. */
static bool grow(void *array, size_t room)
{
    void *old, *made;
    memcpy(&old, array, sizeof old);
    made = bc_realloc(old, room, sizeof(int32_t));
    if (made) memcpy(array, &made, sizeof made);
    return made != NULL;
}

bool bc_encoding_grow(bertc_encoding *encoding, size_t more)
{
    size_t room = (encoding->count + more) * 2 + 32;
    if (!grow(&encoding->ids, room) || !grow(&encoding->types, room) ||
        !grow(&encoding->begin, room) || !grow(&encoding->end, room))
        return false;
    encoding->capacity = room;
    return true;
}
