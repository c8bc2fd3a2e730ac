#include "run/hash.h"

#include <string.h>

#include "formats/config.h"

/* With its NUL, so that no two lists of strings look alike. */
static void put_string(bc_hasher *to, const char *string)
{
    bc_hasher_put(to, string, strlen(string) + 1);
}

/* The labels of each example, -1 for none; where any has several, also how many each has. */
static void put_labels(bc_hasher *to, const bertc_inputs *in)
{
    static const int32_t none = -1;
    bool several = false;
    for (size_t i = 0; i < in->count; i++) {
        size_t from = in->label_starts[i], n = in->label_starts[i + 1] - from;
        bc_hasher_put(to, n > 0 ? in->labels + from : &none, (n > 0 ? n : 1) * sizeof none);
        several = several || n > 1;
    }
    if (several) bc_hasher_put(to, in->label_starts, (in->count + 1) * sizeof *in->label_starts);
}

void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *in)
{
    size_t tokens = in->starts[in->count];
    bc_hasher state;
    bc_hasher_begin(&state);
    bc_hasher_put(&state, &in->count, sizeof in->count);
    bc_hasher_put(&state, in->starts, (in->count + 1) * sizeof *in->starts);
    bc_hasher_put(&state, in->ids, tokens * sizeof *in->ids);
    bc_hasher_put(&state, in->types, tokens * sizeof *in->types);
    put_labels(&state, in);
    bc_hasher_put(&state, in->values, in->count * sizeof *in->values);
    bc_hasher_end(&state, out);
}

void bc_hash_config(char out[BC_HASH_HEX], const bertc_config *config)
{
    bc_hasher state;
    bc_hasher_begin(&state);
    for (size_t i = 0; i < bc_config_field_count; i++) {
        double value = bc_config_get(config, &bc_config_fields[i]);
        bc_hasher_put(&state, &value, sizeof value);
    }
    put_string(&state, config->hidden_act_name);
    for (int32_t i = 0; i < config->num_labels; i++) put_string(&state, config->labels[i]);
    bc_hasher_end(&state, out);
}

/* A special token by its name alone, which is hashed as such. */
static bool is_plain(const bertc_tokenizer_options *o, const bertc_added_token *token)
{
    if (token->normalized || token->single_word || token->lstrip || token->rstrip) return false;
    for (int i = 0; i < BERTC_SPECIALS; i++)
        if (strcmp(token->text, o->special[i]) == 0) return true;
    return false;
}

void bc_hash_tokenizer(char out[BC_HASH_HEX], const bertc_tokenizer_options *o)
{
    int32_t added = 0;
    for (int32_t i = 0; i < o->added_count; i++) added += !is_plain(o, &o->added[i]);
    const int32_t settings[] = {(int32_t)o->parity, o->do_lower_case,
                                o->strip_accents < 0 ? o->do_lower_case : o->strip_accents,
                                o->tokenize_chinese_chars, o->clean_text, o->no_types,
                                o->max_word_chars, added};
    bc_hasher state;
    bc_hasher_begin(&state);
    bc_hasher_put(&state, settings, sizeof settings);
    put_string(&state, o->prefix);
    for (int i = 0; i < BERTC_SPECIALS; i++) put_string(&state, o->special[i]);
    for (int32_t i = 0; i < o->added_count; i++) {
        const bertc_added_token *token = &o->added[i];
        const int32_t flags[] = {token->normalized, token->single_word, token->lstrip, token->rstrip};
        if (is_plain(o, token)) continue;
        put_string(&state, token->text);
        bc_hasher_put(&state, &token->id, sizeof token->id);
        if (flags[0] || flags[1] || flags[2] || flags[3])
            bc_hasher_put(&state, flags, sizeof flags);
    }
    bc_hasher_end(&state, out);
}
