/* From pieces to a model's input: truncation and special tokens. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tokenizer/tokenizer.h"

void bertc_encoding_clear(bertc_encoding *encoding)
{
    bc_free(encoding->ids);
    bc_free(encoding->types);
    bc_free(encoding->begin);
    bc_free(encoding->end);
    bc_scratch_free(encoding->scratch);
    *encoding = (bertc_encoding){0};
}

/* Grow one array of 32-bit values. */
static bool grow(void *array, size_t room)
{
    void *old, *made;
    memcpy(&old, array, sizeof old);
    made = bc_realloc(old, room, sizeof(int32_t));
    if (made) memcpy(array, &made, sizeof made);
    return made != NULL;
}

static bool reserve(bertc_encoding *encoding, size_t count)
{
    if (encoding->capacity >= count) return true;
    size_t room = count * 2 + 32;
    if (!grow(&encoding->ids, room) || !grow(&encoding->types, room) ||
        !grow(&encoding->begin, room) || !grow(&encoding->end, room))
        return false;
    encoding->capacity = room;
    return true;
}

/* "longest_first": shorten the longer text down to the other, then both alike. The references
 * differ in who gets the odd place of the second case: the Python ones a, the Rust one the longer
 * text, on a tie b. */
static void truncate_pair(const bc_recipe *recipe, size_t room, size_t *a, size_t *b)
{
    if (*a + *b <= room) return;
    size_t shorter = *a < *b ? *a : *b;
    if (shorter <= room / 2) {
        *(*a < *b ? b : a) = room - shorter;
        return;
    }
    bool odd_to_a = recipe->odd_to_first || *a > *b;
    *a = room / 2 + (odd_to_a ? room % 2 : 0);
    *b = room - *a;
}

static void put_special(bertc_encoding *encoding, int32_t id, int32_t type)
{
    size_t i = encoding->count++;
    encoding->ids[i] = id;
    encoding->types[i] = type;
    encoding->begin[i] = 0;
    encoding->end[i] = 0;
}

static void put_pieces(bertc_encoding *encoding, const bc_piece *pieces, size_t count,
                       int32_t type)
{
    size_t base = encoding->count;
    for (size_t i = 0; i < count; i++) {
        encoding->ids[base + i] = pieces[i].id;
        encoding->types[base + i] = type;
        encoding->begin[base + i] = pieces[i].begin;
        encoding->end[base + i] = pieces[i].end;
    }
    encoding->count += count;
}

static bertc_status check(size_t na, size_t nb, bool pair, size_t max_length, bertc_error *err)
{
    size_t specials = pair ? 3 : 2;
    if (max_length && max_length < specials)
        return bc_fail(err, BERTC_USAGE, "a maximum length of %zu has no place for %zu special tokens",
                       max_length, specials);
    if (na > INT32_MAX || nb > INT32_MAX)
        return bc_fail(err, BERTC_USAGE, "a text of more than 2 GiB");
    return BERTC_OK;
}

static bertc_status assemble(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, bool pair,
                             size_t max_length, bertc_error *err)
{
    const bc_scratch *scratch = encoding->scratch;
    const bertc_special_ids *ids = &tokenizer->specials;
    size_t a = scratch->pieces[0].count, b = scratch->pieces[1].count, all = a + b;
    if (max_length && !pair && a > max_length - 2) a = max_length - 2;
    if (max_length && pair) truncate_pair(&tokenizer->recipe, max_length - 3, &a, &b);
    if (!reserve(encoding, a + b + 3)) return bc_fail_memory(err);
    put_special(encoding, ids->cls, 0);
    put_pieces(encoding, scratch->pieces[0].at, a, 0);
    put_special(encoding, ids->sep, 0);
    if (pair) {
        put_pieces(encoding, scratch->pieces[1].at, b, 1);
        put_special(encoding, ids->sep, 1);
    }
    encoding->truncated = all - a - b;
    return BERTC_OK;
}

bertc_status bertc_tokenizer_encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding,
                                    const char *a, size_t na, const char *b, size_t nb,
                                    size_t max_length, bertc_error *err)
{
    encoding->count = 0;
    encoding->invalid = 0;
    encoding->truncated = 0;
    if (!b) nb = 0;
    bertc_status status = check(na, nb, b != NULL, max_length, err);
    if (status) return status;
    if (!encoding->scratch) encoding->scratch = bc_calloc(1, sizeof(bc_scratch));
    bc_scratch *scratch = encoding->scratch;
    if (!scratch) return bc_fail_memory(err);
    scratch->pieces[0].count = scratch->pieces[1].count = 0;
    status = bc_split(tokenizer, scratch, (const unsigned char *)a, na, &scratch->pieces[0],
                      &encoding->invalid, err);
    if (!status)
        status = bc_split(tokenizer, scratch, (const unsigned char *)b, nb, &scratch->pieces[1],
                          &encoding->invalid, err);
    if (!status) status = assemble(tokenizer, encoding, b != NULL, max_length, err);
    if (status) encoding->count = 0;
    return status;
}
