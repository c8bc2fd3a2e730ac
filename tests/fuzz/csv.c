/* CSV and quoted TSV: any bytes give a table or a one-line error, and what the table has, written with all cells in
 * quotes, reads back as the same table, also if a doubled quote in each row leaves the row to libcsv. The first byte
 * selects the separator and whether there is a header. */
#include "fuzz.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    bc_table_form form = {data[0] & 1 ? BC_TABLE_QUOTED_TSV : BC_TABLE_CSV, data[0] >> 1 & 1, false};
    char *bytes = fuzz_exact(data + 1, size - 1);
    for (int more = 0; more < 2; more++) {
        size_t length = 0, again_length = 0;
        char *quoted = fuzz_table(bytes, size - 1, form, more, &length), *again = NULL;
        if (quoted && length > 0) again = fuzz_table(quoted, length, form, false, &again_length);
        /* a header may have a column named with a quote, and then the additional column has the same name */
        if (quoted && length > 0 && !(more && form.header && !again))
            FUZZ_CHECK(again && again_length == length && memcmp(again, quoted, length) == 0);
        free(quoted);
        free(again);
    }
    free(bytes);
    return 0;
}
