#include "tasks/own/own.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

const char *bc_own_keep(struct bertc_own_task *own, const char *text, size_t length)
{
    char **texts = bc_grow(own->texts, &own->texts_capacity, own->num_texts, sizeof *texts);
    if (!texts) return NULL;
    own->texts = texts;
    texts[own->num_texts] = bc_strndup(text, length);
    return texts[own->num_texts] ? texts[own->num_texts++] : NULL;
}

void bc_own_free(struct bertc_own_task *own)
{
    if (!own) return;
    for (size_t i = 0; i < own->num_texts; i++) bc_free(own->texts[i]);
    bc_free(own->texts);
    bc_free(own->header);
    bc_free(own->labels);
    bc_free(own->label_columns);
    bc_free(own->limits);
    bc_free(own);
}

/* ---- The dev share ------------------------------------------------------------------------- */

bool bc_own_shares(const struct bertc_own_task *own)
{
    return own->files[BERTC_TRAIN] && !own->files[BERTC_DEV] && own->dev_share != 0;
}

double bc_own_share(const struct bertc_own_task *own)
{
    return own->dev_share < 0 ? BC_DEV_SHARE : own->dev_share;
}

static int by_name(const void *a, const void *b)
{
    const bc_slice *x = a, *y = b;
    return bc_slice_order(x, y);
}

bertc_status bc_own_choose_dev(const struct bertc_own_task *own, const bc_scan *scan, uint64_t *limits, size_t *chosen,
                               bertc_error *err)
{
    typedef struct known {
        bc_slice name;
        int label;
    } known;
    bool classes = own->row.kind == BERTC_CLASSIFICATION;
    size_t count = classes ? (size_t)own->row.num_labels : 0;
    uint64_t *found = bc_calloc(bc_max(scan->num_labels, 1), sizeof *found);
    known *labels = bc_alloc(count, sizeof *labels);
    bertc_status status = found && labels
                              ? bc_scan_choose_dev(scan, bc_own_share(own), classes, found, chosen, err)
                              : bc_fail_memory(err);
    if (status == BERTC_OK && !classes) limits[0] = found[0];
    for (size_t i = 0; status == BERTC_OK && i < count; i++)
        labels[i] = (known){{own->row.labels[i], strlen(own->row.labels[i])}, (int)i};
    if (status == BERTC_OK) qsort(labels, count, sizeof *labels, by_name);
    for (size_t i = 0; status == BERTC_OK && classes && i < scan->num_labels; i++) {
        const bc_slice key = {scan->labels[i], strlen(scan->labels[i])};
        const known *label = bsearch(&key, labels, count, sizeof *labels, by_name);
        if (label) limits[label->label] = found[i]; /* reading refuses the row of an unknown label */
    }
    bc_free(found);
    bc_free(labels);
    if (status == BERTC_OK && *chosen == 0)
        return bc_fail(err, BERTC_INPUT,
                       "%s: too few different texts with the same label for a dev share; give a dev file, or a dev "
                       "share of 0, or the kind regression if the labels are values",
                       own->files[BERTC_TRAIN]);
    return status;
}
