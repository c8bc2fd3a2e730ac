/* Runs a fuzz target over files and the files of folders, where there is no libFuzzer. An absent
 * corpus is an error: a test that tries nothing must not pass. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static void replay_file(const char *path, size_t *count)
{
    FILE *stream = fopen(path, "rb");
    FUZZ_CHECK(stream);
    FUZZ_CHECK(fseek(stream, 0, SEEK_END) == 0);
    long size = ftell(stream);
    FUZZ_CHECK(size >= 0);
    rewind(stream);
    /* of the exact size, so that the sanitizer sees a byte read past the end */
    uint8_t *data = malloc(size ? (size_t)size : 1);
    FUZZ_CHECK(data);
    FUZZ_CHECK(fread(data, 1, (size_t)size, stream) == (size_t)size);
    fclose(stream);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    ++*count;
}

static void replay(const char *path, size_t *count)
{
    DIR *folder = opendir(path);
    if (!folder) {
        replay_file(path, count);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        char file[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        replay_file(file, count);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) replay(argv[i], &count);
    printf("%zu inputs\n", count);
    return count ? 0 : 1;
}
