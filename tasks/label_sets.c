#include "tasks/label_sets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bc_slice trim(bc_slice text)
{
    while (text.n > 0 && is_blank(text.at[0])) text.at++, text.n--;
    while (text.n > 0 && is_blank(text.at[text.n - 1])) text.n--;
    return text;
}

static bertc_status add(bc_label_set *set, bc_slice name)
{
    bc_slice *names = bc_grow(set->names, &set->capacity, set->count, sizeof name);
    if (!names) return BERTC_NOMEM;
    set->names = names;
    names[set->count++] = name;
    return BERTC_OK;
}

/* Take the items of a JSON list. A number, true and false are spelled as in the cell. */
static bertc_status split_list(bc_label_set *set, bc_slice cell, const char **reason)
{
    *reason = "is not a JSON list of labels";
    bertc_status status = bc_json_parse(cell.at, cell.n, "", &set->list, NULL);
    if (status != BERTC_OK || !cJSON_IsArray(set->list)) return status == BERTC_NOMEM ? status : BERTC_INPUT;
    const cJSON *item;
    const char *at = cell.at + 1;
    cJSON_ArrayForEach(item, set->list) {
        bc_slice name = {cJSON_GetStringValue(item), 0};
        bool plain = cJSON_IsNumber(item) || cJSON_IsBool(item);
        if (!name.at && !plain) return BERTC_INPUT;
        if (name.at) name.n = strlen(name.at);
        bc_slice spelled = {at, 0};
        bool quoted = false;
        for (; quoted || (*at != ',' && *at != ']'); at++) { /* the list was parsed, so its end is there */
            if (quoted && *at == '\\') at++;
            else if (*at == '"') quoted = !quoted;
        }
        spelled.n = (size_t)(at++ - spelled.at);
        status = add(set, name.at ? name : trim(spelled));
        if (status != BERTC_OK) return status;
    }
    *reason = NULL;
    return BERTC_OK;
}

bertc_status bc_label_set_split(bc_label_set *set, bc_slice cell, char separator, const char **reason)
{
    bc_slice rest = trim(cell);
    cJSON_Delete(set->list);
    set->list = NULL;
    set->count = 0;
    *reason = NULL;
    if (rest.n > 1 && rest.at[0] == '[' && rest.at[rest.n - 1] == ']') return split_list(set, rest, reason);
    if (rest.n == 0) return BERTC_OK;
    for (const char *end = rest.at + rest.n;;) {
        const char *stop = separator ? memchr(rest.at, separator, (size_t)(end - rest.at)) : NULL;
        rest.n = (size_t)((stop ? stop : end) - rest.at);
        bertc_status status = add(set, trim(rest));
        if (status != BERTC_OK || !stop) return status;
        rest.at = stop + 1;
    }
}

void bc_label_set_clear(bc_label_set *set)
{
    cJSON_Delete(set->list);
    bc_free(set->names);
    *set = (bc_label_set){0};
}

int bc_label_flag(bc_slice cell)
{
    static const char *const texts[] = {"0", "1", "0.0", "1.0", "false", "true"};
    cell = trim(cell);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++)
        if (cell.n == strlen(texts[i]) && strncasecmp(cell.at, texts[i], cell.n) == 0) return i % 2;
    return -1;
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

size_t bc_label_set_sort(int32_t *labels, size_t count)
{
    size_t kept = 0;
    if (count > 1) qsort(labels, count, sizeof *labels, by_number);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || labels[kept - 1] != labels[i]) labels[kept++] = labels[i];
    return kept;
}
