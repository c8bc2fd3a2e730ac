/* JSON lines: any bytes give a table, in which every row has a cell for each key, or a one-line error. */
#include "fuzz.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = fuzz_exact(data, size);
    size_t length;
    free(fuzz_table(bytes, size, (bc_table_form){BC_TABLE_JSON, true, false}, false, &length));
    free(bytes);
    return 0;
}
