#include "train/hash.h"

#include <stdio.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* for a state that needs no allocation */
#include <xxhash.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/config.h"

enum { PIECE = 4 << 20 };

static void begin(XXH3_state_t *state)
{
    XXH3_INITSTATE(state);
    XXH3_128bits_reset(state);
}

static void end(const XXH3_state_t *state, char out[BC_HASH_HEX])
{
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    snprintf(out, BC_HASH_HEX, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

/* With its NUL, so that no two lists of strings look alike. */
static void put_string(XXH3_state_t *state, const char *string)
{
    XXH3_128bits_update(state, string, strlen(string) + 1);
}

void bc_hash(char out[BC_HASH_HEX], const bc_part *parts, size_t count)
{
    XXH3_state_t state;
    begin(&state);
    for (size_t i = 0; i < count; i++)
        XXH3_128bits_update(&state, parts[i].bytes, parts[i].length);
    end(&state, out);
}

bertc_status bc_hash_block(char out[BC_HASH_HEX], const void *bytes, size_t length,
                           bertc_error *err)
{
    size_t count = length / PIECE + (length % PIECE != 0);
    XXH128_hash_t *hashes = bc_alloc(count, sizeof *hashes);
    if (!hashes) return bc_fail_memory(err);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        size_t left = length - i * PIECE;
        hashes[i] = XXH3_128bits((const char *)bytes + i * PIECE, left < PIECE ? left : PIECE);
    }
    const bc_part all = {hashes, count * sizeof *hashes};
    bc_hash(out, &all, 1);
    bc_free(hashes);
    return BERTC_OK;
}

static void put_piece(void *state, const void *bytes, size_t length)
{
    XXH3_128bits_update(state, bytes, length);
}

bertc_status bc_hash_file(char out[BC_HASH_HEX], size_t *length, const char *path, bertc_error *err)
{
    XXH3_state_t state;
    begin(&state);
    bertc_status status = bc_file_scan(path, put_piece, &state, length, err);
    if (status == BERTC_OK) end(&state, out);
    return status;
}

void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *in)
{
    size_t tokens = in->starts[in->count];
    const bc_part parts[] = {
        {&in->count, sizeof in->count},
        {in->starts, (in->count + 1) * sizeof *in->starts},
        {in->ids, tokens * sizeof *in->ids},
        {in->types, tokens * sizeof *in->types},
        {in->labels, in->count * sizeof *in->labels},
        {in->values, in->count * sizeof *in->values},
    };
    bc_hash(out, parts, sizeof parts / sizeof parts[0]);
}

void bc_hash_config(char out[BC_HASH_HEX], const bertc_config *config)
{
    XXH3_state_t state;
    begin(&state);
    for (size_t i = 0; i < bc_config_field_count; i++) {
        double value = bc_config_get(config, &bc_config_fields[i]);
        XXH3_128bits_update(&state, &value, sizeof value);
    }
    put_string(&state, config->hidden_act_name);
    for (int32_t i = 0; i < config->num_labels; i++) put_string(&state, config->labels[i]);
    end(&state, out);
}

void bc_hash_tokenizer(char out[BC_HASH_HEX], const bertc_tokenizer_options *o)
{
    const int32_t settings[] = {(int32_t)o->parity, o->do_lower_case,
                                o->strip_accents < 0 ? o->do_lower_case : o->strip_accents,
                                o->tokenize_chinese_chars, o->clean_text, o->no_types,
                                o->max_word_chars, o->added_count};
    XXH3_state_t state;
    begin(&state);
    XXH3_128bits_update(&state, settings, sizeof settings);
    put_string(&state, o->prefix);
    for (int i = 0; i < BERTC_SPECIALS; i++) put_string(&state, o->special[i]);
    for (int32_t i = 0; i < o->added_count; i++) {
        put_string(&state, o->added[i].text);
        XXH3_128bits_update(&state, &o->added[i].id, sizeof o->added[i].id);
    }
    end(&state, out);
}
