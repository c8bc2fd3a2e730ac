/* A gzip file: any bytes give the text that zlib's own reader of files gives, or an error that states the place. */
#include <zlib.h>

#include "base/gzip.h"
#include "fuzz.h"

enum { LONGEST = 1 << 20 };

/* Read up to `size` bytes in pieces of `piece`; *failed: the data are damaged. */
static size_t read_pieces(const char *path, char *to, size_t size, size_t piece, bool *failed)
{
    bc_input input;
    bc_gzip *gzip;
    bertc_error err = {0};
    size_t total = 0, got = 1;
    FUZZ_CHECK(bc_input_open(path, &input, NULL) == BERTC_OK);
    FUZZ_CHECK(bc_gzip_open(&input, &gzip, &err) == BERTC_OK);
    bertc_status status = BERTC_OK;
    while (status == BERTC_OK && !bc_gzip_ended(gzip) && total < size) {
        size_t n = piece < size - total ? piece : size - total;
        status = bc_gzip_read(gzip, to + total, n, &got, &err);
        FUZZ_CHECK(got <= n && (status != BERTC_OK || got == n || bc_gzip_ended(gzip)));
        total += got;
    }
    *failed = status != BERTC_OK;
    FUZZ_CHECK(status == BERTC_OK || (status == BERTC_INPUT && strstr(err.message, ": byte ")));
    bc_gzip_close(gzip);
    bc_input_close(&input);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[LONGEST], other[LONGEST], reference[LONGEST];
    char path[64];
    bool failed, other_failed;
    fuzz_path(path, "gzip");
    fuzz_put(path, data, size);
    size_t n = read_pieces(path, text, LONGEST, LONGEST, &failed);
    size_t m = read_pieces(path, other, LONGEST, 1 + size % 97, &other_failed);
    FUZZ_CHECK(failed == other_failed && (failed || (n == m && memcmp(text, other, n) == 0)));
    if (!failed) {
        gzFile file = gzopen(path, "rb");
        FUZZ_CHECK(file && gzread(file, reference, LONGEST) == (int)n && memcmp(text, reference, n) == 0);
        gzclose(file);
    }
    unlink(path);
    return 0;
}
