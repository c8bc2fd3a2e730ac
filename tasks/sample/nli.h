/* The logic behind MNLI, RTE and AX: when does one quantified statement decide another?
 *
 * A statement is a quantifier over a restrictor R (who it speaks of) and a scope S (what they did).
 * R and S stand for sets; every restrictor is taken to be non-empty. */
#ifndef BC_TASKS_SAMPLE_NLI_H
#define BC_TASKS_SAMPLE_NLI_H

#include <stdbool.h>

typedef enum bc_quantifier {
    BC_EVERY,     /* R within S */
    BC_SOME,      /* R meets S */
    BC_NO,        /* R misses S */
    BC_NOT_EVERY, /* R not within S */
    BC_IS,        /* R is one person, in S */
    BC_IS_NOT,    /* and not in S */
    BC_QUANTIFIERS
} bc_quantifier;

/* How a set of the hypothesis relates to that of the premise. */
typedef enum bc_relation {
    BC_SAME,
    BC_NARROWER, /* a subset */
    BC_WIDER,    /* a superset */
    BC_OPPOSITE, /* disjoint; of scopes only */
    BC_OTHER,    /* unrelated */
    BC_RELATIONS
} bc_relation;

enum { BC_ENTAILMENT, BC_NEUTRAL, BC_CONTRADICTION };

/* What a premise with quantifier p over (R,S) says of a hypothesis with h over (R',S'), where R'
 * and S' relate to R and S as given. Persons are not mixed with the other quantifiers. */
int bc_nli_label(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope);

#endif
