/* What fuzz targets share. */
#ifndef BC_FUZZ_H
#define BC_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise ends the program: that is what a fuzzer finds. */
#define FUZZ_CHECK(condition)                                                          \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* A scratch path of this process, in memory where the system has such a folder, else right here. */
static inline void fuzz_path(char out[64], const char *name)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ".";
    snprintf(out, 64, "%s/bertc_fuzz_%ld_%s", folder, (long)getpid(), name);
}

static inline void fuzz_put(const char *path, const uint8_t *data, size_t size)
{
    FILE *stream = fopen(path, "wb");
    FUZZ_CHECK(stream);
    FUZZ_CHECK(fwrite(data, 1, size, stream) == size);
    FUZZ_CHECK(fclose(stream) == 0);
}

#endif
