/* The grammars of the sample: each makes examples whose labels are true by construction. */
#ifndef BC_TASKS_SAMPLE_SAMPLE_H
#define BC_TASKS_SAMPLE_SAMPLE_H

#include "tasks/sample/event.h"

typedef struct bc_sample {
    unsigned variant;    /* variant of the file: the form of its sentences, or the genres of its words */
    bc_sample_text a, b; /* b empty for single sentences */
    int label;           /* class index, in the order of the task table */
    int score;           /* STS-B, in thousandths */
    const char *rule;    /* CoLA: name of the rule that the sentence tests */
} bc_sample;

/* Fill an example, which is all zero except for its variant. */
typedef void bc_grammar(bc_dice *dice, bc_sample *sample);

enum { BC_PHRASES = 1, BC_SENTENCES = 2 }; /* variants of bc_grammar_sst2 */

bc_grammar bc_grammar_cola, bc_grammar_sst2, bc_grammar_mrpc, bc_grammar_stsb, bc_grammar_qqp,
    bc_grammar_mnli, bc_grammar_qnli, bc_grammar_rte, bc_grammar_wnli, bc_grammar_corpus;

#endif
