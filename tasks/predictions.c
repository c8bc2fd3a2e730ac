/* Predictions as JSON lines. */
#include "base/json.h"
#include "base/memory.h"
#include "tasks/tasks.h"

/* Append a list of labels. */
static void put_set(bc_text *out, const bertc_task *task, const int32_t *labels, size_t count)
{
    bc_text_printf(out, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) bc_text_printf(out, ",");
        bc_text_quote(out, task->labels[labels[i]]);
    }
    bc_text_printf(out, "]");
}

void bc_put_predicted_set(bc_text *out, const bertc_dataset *dataset, const float *logits)
{
    int32_t *labels = bc_alloc((size_t)dataset->task->num_labels, sizeof *labels);
    out->failed = out->failed || !labels;
    if (labels) put_set(out, dataset->task, labels, (size_t)bertc_dataset_decide(dataset, logits, labels));
    bc_free(labels);
}

void bc_put_prediction(bc_text *out, const bertc_dataset *dataset, size_t row, const float *logits)
{
    const bertc_task *task = dataset->task;
    const bertc_example *example = &dataset->examples[row];
    int32_t label = bc_example_class(example);
    bc_text_printf(out, "{\"row\":%zu", row);
    if (task->own) bc_text_printf(out, ",\"line\":%zu", example->line);
    if (example->index) {
        bc_text_printf(out, ",\"index\":");
        bc_text_quote_bytes(out, example->index, example->nindex);
    }
    bc_text_printf(out, ",\"label\":");
    if (task->kind == BERTC_REGRESSION) bc_json_put_float(out, example->value);
    else if (example->labels && task->kind == BERTC_MULTILABEL)
        put_set(out, task, example->labels, example->num_labels);
    else if (label >= 0) bc_text_quote(out, task->labels[label]);
    else bc_text_printf(out, "null");
    bc_text_printf(out, ",\"prediction\":");
    if (task->kind == BERTC_REGRESSION) bc_json_put_float(out, logits[0]);
    else if (task->kind == BERTC_MULTILABEL) bc_put_predicted_set(out, dataset, logits);
    else bc_text_quote(out, task->labels[bc_argmax(logits, task->num_labels)]);
    for (int c = 0; c < task->num_labels; c++) {
        bc_text_printf(out, c ? "," : ",\"logits\":[");
        bc_json_put_float(out, logits[c]);
    }
    bc_text_printf(out, "]}\n");
}
