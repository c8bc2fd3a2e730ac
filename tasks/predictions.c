/* Predictions as JSON lines. */
#include "base/json.h"
#include "tasks/tasks.h"

void bc_put_prediction(bc_text *out, const bertc_dataset *dataset, size_t row, const float *logits)
{
    const bertc_task *task = dataset->task;
    const bertc_example *example = &dataset->examples[row];
    int32_t label = bc_example_class(example);
    bc_text_printf(out, "{\"row\":%zu", row);
    if (example->index) {
        bc_text_printf(out, ",\"index\":");
        bc_text_quote_bytes(out, example->index, example->nindex);
    }
    bc_text_printf(out, ",\"label\":");
    if (task->kind == BERTC_REGRESSION) bc_json_put_float(out, example->value);
    else if (label >= 0) bc_text_quote(out, task->labels[label]);
    else bc_text_printf(out, "null");
    bc_text_printf(out, ",\"prediction\":");
    if (task->kind == BERTC_REGRESSION) bc_json_put_float(out, logits[0]);
    else bc_text_quote(out, task->labels[bc_argmax(logits, task->num_labels)]);
    for (int c = 0; c < task->num_labels; c++) {
        bc_text_printf(out, c ? "," : ",\"logits\":[");
        bc_json_put_float(out, logits[c]);
    }
    bc_text_printf(out, "]}\n");
}
