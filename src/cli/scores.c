#include "cli/scores.h"

#include <math.h>
#include <stdlib.h>

/* Use the smallest number of digits, 15 to 17, with which the text reads back to the same number. */
void cli_put_number(double value)
{
    if (!isfinite(value)) {
        fputs("null", stdout);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fputs(text, stdout);
}

bertc_status cli_print_scores(const bertc_task *task, bertc_split split, const bertc_scores *scores,
                              const bertc_metric_list *metrics, const bertc_class_report *report, bertc_error *err)
{
    char *json;
    bertc_status status = bertc_scores_json(task, split, scores, metrics, report, &json, err);
    if (status == BERTC_OK) puts(json);
    free(json);
    return status;
}

int cli_text_width(const char *text)
{
    int width = 0;
    for (; *text; text++) width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void cli_put_padded(const char *text, int width)
{
    int left = width - 1;
    for (; *text && (left > 0 || ((unsigned char)*text & 0xC0) == 0x80); text++) {
        left -= ((unsigned char)*text & 0xC0) != 0x80;
        putchar(*text);
    }
    printf("%*s", left + 1, "");
}
