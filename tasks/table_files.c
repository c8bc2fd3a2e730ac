#include "tasks/table_files.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* The endings of tables, and the endings of files that are not read: the message about such a file states its kind. */
static const char *const endings[] = {".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".json", ".json.gz"};
static const char *const refused_endings[] = {".parquet", "-00000-of-00001.parquet", ".arrow", ".xlsx", ".zip"};

bertc_status bc_table_file_find(const char *folder, const char *const *stems, size_t count, bool refused, char **path,
                                bertc_error *err)
{
    const char *const *ends = refused ? refused_endings : endings;
    size_t each = refused ? sizeof refused_endings / sizeof *refused_endings : sizeof endings / sizeof *endings;
    bertc_status status = BERTC_OK;
    *path = NULL;
    for (size_t i = 0; i < count * each && status == BERTC_OK && !(refused && *path); i++) {
        bc_text name = {0};
        bool found = false;
        bc_text_printf(&name, "%s%s", stems[i / each], ends[i % each]);
        char *full = name.failed ? NULL : bc_path_join(folder, name.bytes);
        status = full ? bc_file_find(full, &found, err) : bc_fail_memory(err);
        if (status == BERTC_OK && found && *path)
            status = bc_fail(err, BERTC_INPUT, "%s: the same folder has the table %s too; keep one of them", *path,
                             name.bytes);
        else if (status == BERTC_OK && found) {
            *path = full;
            full = NULL;
        }
        bc_free(full);
        bc_text_clear(&name);
    }
    if (status == BERTC_OK) return BERTC_OK;
    bc_free(*path);
    *path = NULL;
    return status;
}
