/* The grammars of the sample: each makes one example whose label is true by construction. */
#ifndef BC_TASKS_SAMPLE_SAMPLE_H
#define BC_TASKS_SAMPLE_SAMPLE_H

#include "tasks/sample/event.h"

typedef struct bc_sample {
    unsigned flavour;   /* of the file: the form of sentences, or where their words are at home */
    bc_sentence a, b;       /* b empty for single sentences */
    int label;          /* in the order of the task's row */
    int score;          /* STS-B, in thousandths */
    const char *source; /* CoLA: what the sentence tries */
} bc_sample;

/* A grammar fills an example that comes in all zero but for its flavour. */
typedef void bc_grammar(bc_dice *dice, bc_sample *sample);

enum { BC_PHRASES = 1, BC_SENTENCES = 2 }; /* flavours of bc_grammar_sst2 */

bc_grammar bc_grammar_cola, bc_grammar_sst2, bc_grammar_mrpc, bc_grammar_stsb, bc_grammar_qqp,
    bc_grammar_mnli, bc_grammar_qnli, bc_grammar_rte, bc_grammar_wnli, bc_grammar_corpus;

#endif
