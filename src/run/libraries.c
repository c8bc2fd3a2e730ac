/* The libraries in use, for --version and the record of a run. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "bertc/model.h"
#include "nn/gemm/gemm.h"

void bertc_describe_libraries(const char *backend, char *out, size_t size)
{
    if (!out || size == 0) return;
    bc_gemm_describe(backend, out, size);
    size_t used = strlen(out);
    if (used + 1 >= size) return;
    unsigned hash = XXH_versionNumber();
    snprintf(out + used, size - used, "\ntext: utf8proc %s, cJSON %s, xxHash %u.%u.%u",
             utf8proc_version(), cJSON_Version(), hash / 10000, hash / 100 % 100, hash % 100);
}
