/* bertc_config_load: an accepted configuration passes the check; the file written from it is accepted, and written the
 * same again. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/config.h"
#include "fuzz.h"

/* Write a configuration, load the written file into it, and return the file's text. */
static char *rewrite(bertc_config *config, const char *path)
{
    char *text;
    size_t length;
    bertc_error err = {0};
    FUZZ_CHECK(bc_config_write(config, &bc_working_dir, path, NULL, &err) == BERTC_OK);
    bertc_config_clear(config);
    FUZZ_CHECK(bc_file_read(path, BC_FILE_WORDS, &text, &length, &err) == BERTC_OK);
    FUZZ_CHECK(bertc_config_load(path, config, &err) == BERTC_OK);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    bertc_config config, copy;
    bertc_error err = {0};
    fuzz_path(path, "config");
    fuzz_put(path, data, size);
    bertc_status status = bertc_config_load(path, &config, &err);
    if (status == BERTC_OK) {
        FUZZ_CHECK(bc_config_check_encoder(&config, "x", &err) == BERTC_OK);
        FUZZ_CHECK(bertc_config_copy(&copy, &config, &err) == BERTC_OK);
        char *once = rewrite(&config, path), *twice = rewrite(&config, path);
        char *other = rewrite(&copy, path);
        FUZZ_CHECK(strcmp(once, twice) == 0 && strcmp(once, other) == 0);
        bc_free(once);
        bc_free(twice);
        bc_free(other);
        bertc_config_clear(&config);
        bertc_config_clear(&copy);
    } else {
        FUZZ_CHECK(status == BERTC_INPUT && err.message[0] && !strchr(err.message, '\n'));
    }
    remove(path);
    return 0;
}
