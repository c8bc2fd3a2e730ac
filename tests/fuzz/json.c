/* bc_json_parse: a refused text gives a one-line message with the byte offset; the numbers, strings and members of an
 * accepted text survive writing and parsing. */
#include "base/json.h"

#include "base/memory.h"
#include "fuzz.h"

static void check_number(double value)
{
    char text[BC_JSON_DOUBLE];
    cJSON *tree = NULL;
    bc_json_double(text, value);
    FUZZ_CHECK(bc_json_parse(text, strlen(text), "x", &tree, NULL) == BERTC_OK);
    FUZZ_CHECK(memcmp(&tree->valuedouble, &value, sizeof value) == 0);
    cJSON_Delete(tree);
}

static void check_string(const char *string)
{
    cJSON *tree = NULL;
    bc_text quoted = {0};
    bc_text_quote(&quoted, string);
    FUZZ_CHECK(!quoted.failed);
    FUZZ_CHECK(bc_json_parse(quoted.bytes, quoted.length, "x", &tree, NULL) == BERTC_OK);
    FUZZ_CHECK(strcmp(cJSON_GetStringValue(tree), string) == 0);
    cJSON_Delete(tree);
    bc_text_clear(&quoted);
}

static void check_tree(const cJSON *node)
{
    if (cJSON_IsNumber(node)) check_number(node->valuedouble);
    if (cJSON_IsString(node)) check_string(node->valuestring);
    if (node->string) check_string(node->string);
    for (const cJSON *child = node->child; child; child = child->next) check_tree(child);
}

/* bc_json_span gives an object's members in order, each a valid document. */
static void check_spans(const char *text, size_t length, const cJSON *tree)
{
    size_t at = 0, size;
    const char *value;
    const cJSON *child = cJSON_IsObject(tree) ? tree->child : NULL;
    for (; bc_json_span(text, length, &at, &value, &size); child = child->next) {
        cJSON *alone = NULL;
        FUZZ_CHECK(child);
        FUZZ_CHECK(bc_json_parse(value, size, "x", &alone, NULL) == BERTC_OK);
        FUZZ_CHECK(cJSON_Compare(alone, child, 1));
        cJSON_Delete(alone);
    }
    FUZZ_CHECK(!child);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    cJSON *tree = NULL;
    bertc_error err = {0};
    bertc_status status = bc_json_parse(text, size, "x", &tree, &err);
    if (status != BERTC_OK) {
        FUZZ_CHECK(status == BERTC_INPUT && !tree);
        FUZZ_CHECK(strncmp(err.message, "x @", 3) == 0 && !strchr(err.message, '\n'));
        return 0;
    }
    check_tree(tree);
    check_spans(text, size, tree);
    cJSON_Delete(tree);
    return 0;
}
