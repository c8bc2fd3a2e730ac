/* Scores for programs. */
#ifndef CLI_SCORES_H
#define CLI_SCORES_H

#include <stdio.h>

#include "bertc.h"

/* Print bertc_scores_json as one line. report: scores by class, or null. Errors: BERTC_NOMEM. */
bertc_status cli_print_scores(const bertc_task *task, bertc_split split, const bertc_scores *scores,
                              const bertc_metric_list *metrics, const bertc_class_report *report, bertc_error *err);

/* Print a number of JSON that reads back to the same bits, or null if the number is not finite. */
void cli_put_number(double value);

/* Return the number of characters of UTF-8 text. */
int cli_text_width(const char *text);

/* Print at most the first width - 1 characters of UTF-8 text, then spaces up to `width`. */
void cli_put_padded(const char *text, int width);

#endif
