#include "run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/writer.h"

/* Maximum size of a journal: enough for the names of a million checkpoints. */
static const size_t max = (size_t)64 << 20;

/* ---- Reading ------------------------------------------------------------------------------- */

/* Whether the first line ends with the hash of the bytes before it. */
static bool is_valid(const char *line, size_t length)
{
    char hash[BC_HASH_HEX], end[BC_HASH_HEX + 16];
    static const char key[] = ",\"xxh3\":\"";
    size_t tail = strlen(key) + BC_HASH_HEX - 1 + strlen("\"}");
    if (length <= tail || strncmp(line, BC_JOURNAL_START, strlen(BC_JOURNAL_START)) != 0) return false;
    const bc_hash_part part = {line, length - tail};
    bc_hash(hash, &part, 1);
    snprintf(end, sizeof end, "%s%s\"}", key, hash);
    return memcmp(line + length - tail, end, tail) == 0;
}

/* Whether a line is {"writes":"NAME"} without zeros, which a power cut can leave at the beginning of the last line. */
static bool is_complete(const char *line, size_t length)
{
    static const char begin[] = "{\"writes\":\"", end[] = "\"}";
    size_t min = sizeof begin + sizeof end - 2;
    return length > min && memcmp(line, begin, sizeof begin - 1) == 0 && !memchr(line, '\0', length) &&
           memcmp(line + length - (sizeof end - 1), end, sizeof end - 1) == 0;
}

/* Keep the first line and the complete lines after it. */
static bertc_status parse(bc_folder *folder, const char *text, size_t length, bertc_error *err)
{
    const char *first = memchr(text, '\n', length);
    if (!first || !is_valid(text, (size_t)(first - text)))
        return bc_fail(err, BERTC_USAGE,
                       "%s/" BC_RUN_JOURNAL ": damaged, so the files of the run are unknown; choose another --out",
                       folder->work.path);
    const char *end = text + length, *line = first + 1, *stop;
    bc_text_put(&folder->journal, text, (size_t)(line - text));
    for (; (stop = memchr(line, '\n', (size_t)(end - line))) != NULL; line = stop + 1)
        if (is_complete(line, (size_t)(stop - line))) bc_text_put(&folder->journal, line, (size_t)(stop + 1 - line));
    folder->torn = folder->journal.length != length;
    return folder->journal.failed ? bc_fail_memory(err) : BERTC_OK;
}

bertc_status bc_journal_read(bc_folder *folder, bertc_error *err)
{
    bc_entry kind;
    struct stat info;
    int fd;
    bertc_status status = bc_dir_entry(&folder->work, BC_RUN_JOURNAL, &kind, err);
    if (status != BERTC_OK || kind != BC_ENTRY_FILE) return status;
    status = bc_dir_file(&folder->work, BC_RUN_JOURNAL, O_RDONLY, &fd, err);
    if (status != BERTC_OK) return status;
    if (fstat(fd, &info) != 0) status = bc_dir_fail(&folder->work, BC_RUN_JOURNAL, "cannot stat", err);
    size_t size = status == BERTC_OK && (size_t)info.st_size <= max ? (size_t)info.st_size : 0;
    char *text = bc_alloc(size + 1, 1);
    if (status == BERTC_OK && !text) status = bc_fail_memory(err);
    if (status == BERTC_OK) {
        ssize_t n = bc_read_at(fd, text, size, 0);
        if (n >= 0 && (size_t)n < size) errno = EIO;
        if (n < (ssize_t)size) status = bc_dir_fail(&folder->work, BC_RUN_JOURNAL, "cannot read", err);
    }
    if (status == BERTC_OK) status = parse(folder, text, size, err);
    bc_free(text);
    close(fd);
    return status;
}

/* ---- Writing ------------------------------------------------------------------------------- */

bertc_status bc_journal_begin(bc_folder *folder, const char *options, const char *fingerprints, const char *command,
                              bertc_error *err)
{
    char hash[BC_HASH_HEX];
    bc_text *text = &folder->journal;
    bc_text_printf(text, BC_JOURNAL_START "\"options\":%s,\"prints\":%s,\"command\":%s", options, fingerprints,
                   command);
    const bc_hash_part part = {text->bytes, text->length};
    if (!text->failed) bc_hash(hash, &part, 1);
    if (!text->failed) bc_text_printf(text, ",\"xxh3\":\"%s\"}\n", hash);
    bertc_status status =
        text->failed ? bc_fail_memory(err)
                     : bc_file_write_in(&folder->work, BC_RUN_JOURNAL, text->bytes, text->length, NULL, err);
    folder->joined = true;
    return status;
}

/* Append the bytes of folder->journal from `from` on to the file. A torn file is rewritten. */
static bertc_status append(bc_folder *folder, size_t from, bertc_error *err)
{
    const bc_text *text = &folder->journal;
    struct stat info;
    int fd;
    bertc_status status = BERTC_OK;
    if (folder->torn) status = bc_file_write_in(&folder->work, BC_RUN_JOURNAL, text->bytes, text->length, NULL, err);
    if (folder->torn) folder->torn = status != BERTC_OK;
    if (folder->torn || from == text->length) return status;
    status = bc_dir_file(&folder->work, BC_RUN_JOURNAL, O_WRONLY, &fd, err);
    if (status != BERTC_OK) return status;
    if (!bc_write_at(fd, text->bytes + from, text->length - from, (off_t)from))
        status = bc_dir_fail(&folder->work, BC_RUN_JOURNAL, "cannot write", err);
    else if (fsync(fd) != 0) status = bc_dir_fail(&folder->work, BC_RUN_JOURNAL, "cannot flush", err);
    else if (fstat(fd, &info) != 0) status = bc_dir_fail(&folder->work, BC_RUN_JOURNAL, "cannot stat", err);
    else if ((size_t)info.st_size < text->length)
        status = bc_fail(err, BERTC_IO, "%s/" BC_RUN_JOURNAL ": has %lld bytes, but %zu were written",
                         folder->work.path, (long long)info.st_size, text->length);
    close(fd);
    return status;
}

/* ---- Names --------------------------------------------------------------------------------- */

static bool is_listed(const bc_folder *folder, const char *name, size_t length)
{
    char line[300];
    int n = snprintf(line, sizeof line, "\n{\"writes\":\"%.*s\"}\n", (int)length, name);
    return n > 0 && (size_t)n < sizeof line && folder->journal.bytes && strstr(folder->journal.bytes, line);
}

bool bc_folder_owns(const bc_folder *folder, const char *name)
{
    size_t length = strlen(name);
    if (is_listed(folder, name, length)) return true;
    return length > 4 && strcmp(name + length - 4, ".tmp") == 0 && is_listed(folder, name, length - 4);
}

/* Check that no file of another owner has the name. ours: the journal lists the name, so the file belongs to the
 * run. */
static bertc_status check_free(const bc_dir *in, const char *name, bool ours, bertc_error *err)
{
    bc_entry kind;
    bertc_status status = bc_dir_entry(in, name, &kind, err);
    if (status != BERTC_OK || kind == BC_ENTRY_NONE) return status;
    if (ours && kind == (strcmp(name, BC_RUN_STAGING) == 0 ? BC_ENTRY_FOLDER : BC_ENTRY_FILE)) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s/%s: in the way, this run did not write it; move it elsewhere", in->path, name);
}

bertc_status bc_folder_claim(bc_folder *folder, const bc_dir *in, const char *name, bertc_error *err)
{
    char listed[128], temporary[128];
    bc_text *journal = &folder->journal;
    size_t length = journal->length;
    snprintf(listed, sizeof listed, "%s%s", in == &folder->root ? "../" : "", name);
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    bool ours = bc_folder_owns(folder, listed);
    bertc_status status = check_free(in, name, ours, err);
    if (status == BERTC_OK) status = check_free(in, temporary, ours, err);
    if (status != BERTC_OK || ours) return status;
    bc_text_printf(journal, "{\"writes\":\"%s\"}\n", listed);
    status = journal->failed ? bc_fail_memory(err) : append(folder, length, err);
    if (status == BERTC_OK) return BERTC_OK;
    journal->failed = false;
    journal->length = length;
    journal->bytes[length] = '\0';
    return status;
}
