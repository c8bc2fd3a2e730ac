/* Where the file of a split lies. */
#ifndef BC_TASKS_LOCATE_H
#define BC_TASKS_LOCATE_H

#include "tasks/tasks.h"

typedef struct bc_place {
    char *path;
    char *ids;                    /* the list that columns->ids_file names, or null */
    const bertc_columns *columns; /* the row of the task that describes the file */
} bc_place;

/* Look for the official file, then the older distribution, in DATA/FOLDER, DATA/OLD_FOLDER, DATA.
 * Errors: BERTC_USAGE where the task has no such split; BERTC_INPUT naming what was looked for. */
bertc_status bc_task_locate(const bertc_task *task, const char *data, bertc_split split,
                            bc_place *place, bertc_error *err);

void bc_place_clear(bc_place *place);

#endif
