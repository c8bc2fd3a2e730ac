/* Scores for programs. */
#ifndef CLI_SCORES_H
#define CLI_SCORES_H

#include <stdio.h>

#include "bertc.h"

/* One line: {"task":"sst2","split":"dev","examples":872,"loss":0.21,"metrics":{"accuracy":0.9243}}.
 * Numbers read back to the same bits; a number that is not finite is null. */
void cli_scores_json(const bertc_task *task, bertc_split split, const bertc_scores *scores);

/* A number of JSON: reads back to the same bits; null where it is not finite. */
void cli_put_number(double value);

#endif
