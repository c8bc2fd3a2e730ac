#include "formats/tensor_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the names of an encoder that was saved alone begin. */
static const char *const bare[] = {"embeddings.", "encoder.", "pooler."};

static const struct {
    const char *old, *current;
} endings[] = {{".LayerNorm.gamma", ".LayerNorm.weight"}, {".LayerNorm.beta", ".LayerNorm.bias"}};

void bc_name_current(const char *name, char *out, size_t capacity)
{
    size_t length = strlen(name), stem = length;
    const char *prefix = "", *ending = "";
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        if (strncmp(name, bare[i], strlen(bare[i])) == 0) prefix = "bert.";
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i].old);
        if (length < n || strcmp(name + length - n, endings[i].old) != 0) continue;
        stem = length - n;
        ending = endings[i].current;
    }
    int shown = stem < capacity ? (int)stem : (int)capacity;
    snprintf(out, capacity, "%s%.*s%s", prefix, shown, name, ending);
}

long bc_name_layer(const char *name)
{
    static const char before[] = "encoder.layer.";
    const char *at = strstr(name, before);
    if (!at || !isdigit((unsigned char)at[strlen(before)])) return -1;
    return strtol(at + strlen(before), NULL, 10);
}
