/* The table of weight readers, one entry for each file format, and opening weights by that table. */
#ifndef BC_FORMATS_READERS_H
#define BC_FORMATS_READERS_H

#include "formats/weights.h"

/* The kind of model directory whose weights are opened; it decides the file's name. */
typedef enum bc_weights_role { BC_ROLE_MODEL, BC_ROLE_ADAPTER, BC_ROLES } bc_weights_role;

typedef struct bc_reader {
    const char *names[BC_ROLES]; /* the file's name in a model directory and in an adapter directory */
    /* Open and check a file. Errors: BERTC_INPUT "path @OFFSET: ..." or "path: tensor "NAME": ..."; BERTC_IO;
     * BERTC_NOMEM; *weights is then closed. */
    bertc_status (*open)(const char *path, bc_weights *weights, bertc_error *err);
} bc_reader;

/* The readers in order of precedence, for a folder with files of several formats. */
enum { BC_READERS = 1 };
extern const bc_reader bc_readers[BC_READERS];

/* Open the weights in a folder. Errors: those of bc_model_path_check and of the reader. */
bertc_status bc_weights_open_in(const char *dir, bc_weights_role role, bc_weights *weights, bertc_error *err);

/* Open a file of any name. There is only one reader so far; with several, the file's first bytes would select the
 * reader (base/magic.h). Errors: those of the reader. */
bertc_status bc_weights_open(const char *path, bc_weights *weights, bertc_error *err);

#endif
