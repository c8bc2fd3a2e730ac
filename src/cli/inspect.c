/* bertc inspect: list the tensors of a model file and whether they match the configuration. */
#include "bertc/inspect.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/error.h"

static const char *format_shape(const size_t *shape, int rank, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "(");
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%zu", i > 0 ? "," : "", shape[i]);
    if (used < size) snprintf(out + used, size - used, ")");
    return out;
}

static void print_tensor(const bertc_tensor_info *tensor)
{
    char shape[160], wanted[48];
    bool missing = tensor->fit == BERTC_FIT_MISSING;
    format_shape(missing ? tensor->wanted_shape : tensor->shape, missing ? tensor->wanted_rank : tensor->rank, shape,
                 sizeof shape);
    printf("%-4s  %-14s  %-12s  %s", missing ? "-" : tensor->dtype, shape, bertc_fit_name(tensor->fit), tensor->name);
    if (tensor->fit == BERTC_FIT_RENAMED) printf(" (now %s)", tensor->parameter);
    if (tensor->fit == BERTC_FIT_WRONG_SHAPE)
        printf(" (expected %s)", format_shape(tensor->wanted_shape, tensor->wanted_rank, wanted, sizeof wanted));
    putchar('\n');
}

static void print_config(const bertc_config *c)
{
    printf("config   %d layers, %d hidden, %d heads, %d intermediate, %d words, %d positions, %s\n",
           c->num_hidden_layers, c->hidden_size, c->num_attention_heads, c->intermediate_size,
           c->vocab_size, c->max_position_embeddings, c->hidden_act_name);
    printf("labels  ");
    for (int32_t i = 0; i < c->num_labels; i++) printf(" %s", c->labels[i]);
    printf("\nproblem  %s\n", bertc_config_problem_type(c));
    if (c->head_refusal) printf("head     not used: %s\n", c->head_refusal);
}

bertc_status cli_inspect(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)values;
    bertc_inspection found;
    bertc_status status = bertc_inspect(arguments.value[0], &found, err);
    if (status != BERTC_OK) return status;
    printf("weights  %s, %zu bytes in %zu tensors\n", found.weights, found.bytes,
           found.count - found.tally[BERTC_FIT_MISSING]);
    if (found.has_config) print_config(&found.config);
    else printf("config   %s\n", found.refusal.status ? "refused" : "none beside it");
    for (int fit = 0, shown = 0; fit < BERTC_FITS; fit++)
        if (found.tally[fit] > 0)
            printf("%s%zu %s", shown++ > 0 ? ", " : "fit      ", found.tally[fit], bertc_fit_name((bertc_fit)fit));
    puts("\n");
    for (size_t i = 0; i < found.count; i++) print_tensor(&found.tensors[i]);
    if (found.refusal.status != BERTC_OK) status = cli_fail(err, found.refusal.status, "%s", found.refusal.message);
    bertc_inspection_clear(&found);
    return status;
}
