#include "base/magic.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

/* torch.save before 1.6 wrote this as a pickled number. */
#define PYTORCH_MAGIC "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

static const struct {
    size_t at;
    const char *bytes;
    size_t length;
    const char *what;
} kinds[] = {
    {2, PYTORCH_MAGIC, 12, "weights of PyTorch (pickle)"},
    {0, "\x89HDF\r\n\x1a\n", 8, "HDF5, as Keras and TensorFlow save weights"},
    {0, "GGUF", 4, "weights of llama.cpp (GGUF)"},
    {0, "lmgg", 4, "weights of llama.cpp (GGML)"},
    {0, "tjgg", 4, "weights of llama.cpp (GGML)"},
    {0, "\x93NUMPY", 6, "an array of NumPy"},
    {0, "\x1f\x8b\x08", 3, "compressed with gzip"},
    {0, "\xfd" "7zXZ", 6, "compressed with xz"},
    {0, "\x28\xb5\x2f\xfd", 4, "compressed with zstd"},
    {0, "PAR1\x15", 5, "a Parquet file (pandas.read_parquet(FILE).to_csv(OUT, index=False) makes a table of it)"},
    {0, "ARROW1", 6, "an Arrow file (datasets.Dataset.from_file(FILE).to_csv(OUT) makes a table of it)"},
    {0, "FEA1", 4, "a Feather file (pandas.read_feather(FILE).to_csv(OUT, index=False) makes a table of it)"},
    {0, "SQLite format 3", 16, "a database of SQLite"},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "an old Office document, such as an Excel workbook (save it as CSV)"},
    {0, "BZh", 3, "compressed with bzip2"},
    {0, "7z\xbc\xaf\x27\x1c", 6, "an archive of 7-Zip"},
    {0, "Rar!\x1a\x07", 6, "an archive of RAR"},
    {257, "ustar", 5, "an archive of tar"},
    {0, "version https://git-lfs", 23, "a Git LFS pointer ('git lfs pull' fetches the file itself)"},
};

static const unsigned char tensorflow_index[BC_MAGIC_TAIL] = {0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb};

static bool contains(const unsigned char *bytes, size_t length, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= length; i++)
        if (memcmp(bytes + i, text, n) == 0) return true;
    return false;
}

/* Tell kinds of zip archives apart by the name of the first member, which begins at byte 30. */
static const char *describe_zip(const unsigned char *head, size_t length)
{
    if (length < 4 || memcmp(head, "PK\x03\x04", 4) != 0) return NULL;
    size_t name = length > 30 ? head[26] | (size_t)head[27] << 8 : 0;
    if (name > length - 30) name = length > 30 ? length - 30 : 0;
    if (contains(head + 30, name, "data.pkl") || contains(head + 30, name, ".format_version"))
        return "weights of PyTorch (zip)";
    if (contains(head + 30, name, "[Content_Types].xml") || contains(head + 30, name, "docProps/") ||
        contains(head + 30, name, "_rels/") || contains(head + 30, name, "xl/"))
        return "an Office document, such as an Excel workbook (save it as CSV, or "
               "pandas.read_excel(FILE).to_csv(OUT, index=False) makes a table of it)";
    return contains(head + 30, name, ".npy") ? "arrays of NumPy (npz)" : "a zip archive";
}

/* Recognise formats without a magic number by the values that their first bytes can have. */
static const char *describe_fields(const unsigned char *b, size_t length)
{
    if (length < 4) return NULL;
    /* Arrow: four bytes 0xff, then the size of the first message, less than 16 MB. */
    if (length >= 8 && memcmp(b, "\xff\xff\xff\xff", 4) == 0 && b[4] % 8 == 0 && b[7] == 0)
        return "an Arrow stream (datasets.Dataset.from_file(FILE).to_csv(OUT) makes a table of it)";
    if (b[0] == 0x80 && b[1] >= 2 && b[1] <= 5) return "a pickle of Python";
    if (b[0] > 0x80 && b[0] < 0x90 && ((b[1] > 0xa0 && b[1] < 0xc0) || b[1] == 0xd9))
        return "msgpack, as Flax saves weights";
    /* ONNX: the version of the format, then the name of the producer or the graph. */
    if (b[0] == 0x08 && b[1] >= 1 && b[1] < 0x20 && (b[2] == 0x12 || b[2] == 0x3a || b[2] == 0x42))
        return "a model of ONNX";
    return NULL;
}

/* Return the number of bytes that follow the first byte of a UTF-8 character; -1 if `byte` cannot begin a character. */
static int follow(unsigned char byte)
{
    if (byte < 0x80) return byte == 0x7f || (byte < 0x20 && !isspace(byte)) ? -1 : 0;
    return byte < 0xc2 ? -1 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : -1;
}

static bool is_text(const unsigned char *head, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        int more = follow(head[i]);
        if (more < 0) return false;
        for (; more > 0 && i + 1 < length; more--)
            if ((head[++i] & 0xc0) != 0x80) return false;
    }
    return true;
}

/* Describe a text: often a web page or an error message that a download saved instead of the file. */
static bool describe_text(bc_text *out, const unsigned char *head, size_t length)
{
    enum { SHOWN = 40 };
    size_t begin = 0, shown;
    if (!is_text(head, length)) return false;
    while (begin < length && isspace(head[begin])) begin++;
    const char *text = (const char *)head + begin;
    length -= begin;
    for (shown = 0; shown < length && shown < SHOWN && text[shown] != '\n' && text[shown] != '\r'; shown++) continue;
    while (shown > 0 && shown < length && ((unsigned char)text[shown] & 0xc0) == 0x80) shown--;
    const char *kind = NULL, *plain = length >= 1 && text[0] == '{' ? "JSON" : "a text";
    if ((length >= 5 && strncasecmp(text, "<html", 5) == 0) || (length >= 9 && strncasecmp(text, "<!doctype", 9) == 0))
        kind = "a web page (HTML)";
    else if (length >= 5 && strncasecmp(text, "<?xml", 5) == 0) kind = "an XML document";
    if (length == 0) bc_text_printf(out, "blank");
    else bc_text_printf(out, "%s that begins with \"%.*s\"", kind ? kind : plain, (int)shown, text);
    return kind != NULL;
}

bool bc_magic_describe(bc_text *out, const unsigned char *head, size_t length, const unsigned char *tail)
{
    const char *what = length == 0 ? "empty" : describe_zip(head, length);
    for (size_t i = 0; !what && i < sizeof kinds / sizeof *kinds; i++)
        if (length >= kinds[i].at + kinds[i].length && memcmp(head + kinds[i].at, kinds[i].bytes, kinds[i].length) == 0)
            what = kinds[i].what;
    if (!what) what = describe_fields(head, length);
    if (!what && tail && memcmp(tail, tensorflow_index, BC_MAGIC_TAIL) == 0)
        what = "the index of a TensorFlow checkpoint";
    if (!what) return describe_text(out, head, length);
    bc_text_printf(out, "%s", what);
    return length > 0;
}

bertc_status bc_magic_refuse(const char *path, const char *bytes, size_t length, const char *wanted, bertc_error *err)
{
    bc_text what = {0};
    bool other = bc_magic_describe(&what, (const unsigned char *)bytes, length < BC_MAGIC_HEAD ? length : BC_MAGIC_HEAD,
                                   NULL);
    bertc_status status = what.failed ? bc_fail_memory(err)
                          : other     ? bc_fail(err, BERTC_INPUT, "%s: %s, not %s", path, what.bytes, wanted)
                                      : BERTC_OK;
    bc_text_clear(&what);
    return status;
}
