/* Which reader opens what: the table of the kinds of weights. */
#ifndef BC_FORMATS_READERS_H
#define BC_FORMATS_READERS_H

#include "formats/weights.h"

/* Whose weights a folder holds. */
typedef enum bc_weights_role { BC_OF_MODEL, BC_OF_ADAPTER, BC_ROLES } bc_weights_role;

typedef struct bc_reader {
    const char *names[BC_ROLES]; /* of the file in a folder */
    /* Open and check a file. Errors: BERTC_INPUT "path @OFFSET: ..." or "path: tensor "NAME": ..."; BERTC_IO;
     * BERTC_NOMEM; *weights is then closed. */
    bertc_status (*open)(const char *path, bc_weights *weights, bertc_error *err);
} bc_reader;

/* Of several in a folder the first is taken. A new kind is a row of bc_readers, and one more here. */
enum { BC_READERS = 1 };
extern const bc_reader bc_readers[BC_READERS];

/* Open the weights in a folder. Errors: those of bc_model_path_check, and of the reader. */
bertc_status bc_weights_open_in(const char *dir, bc_weights_role role, bc_weights *weights, bertc_error *err);

/* Open one file, whatever its name: by the one reader there is; with several their first bytes tell (base/magic.h).
 * Errors: those of the reader. */
bertc_status bc_weights_open(const char *path, bc_weights *weights, bertc_error *err);

#endif
