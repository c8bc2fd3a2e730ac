/* The logic of MNLI, RTE and AX: when one quantified statement decides another.
 *
 * A statement is a quantifier over a restrictor R (the subjects) and a scope S (what they did). R and S stand for sets;
 * every restrictor is taken to be non-empty. */
#ifndef BC_TASKS_SAMPLE_NLI_H
#define BC_TASKS_SAMPLE_NLI_H

#include <stdbool.h>

typedef enum bc_quantifier {
    BC_EVERY,     /* R is a subset of S */
    BC_SOME,      /* R and S intersect */
    BC_NO,        /* R and S are disjoint */
    BC_NOT_EVERY, /* R is not a subset of S */
    BC_IS,        /* R is one person, who is in S */
    BC_IS_NOT,    /* R is one person, who is not in S */
    BC_QUANTIFIERS
} bc_quantifier;

/* How a set of the hypothesis relates to the same set of the premise. */
typedef enum bc_relation {
    BC_SAME,
    BC_NARROWER, /* a subset */
    BC_WIDER,    /* a superset */
    BC_OPPOSITE, /* disjoint; for scopes only */
    BC_OTHER,    /* unrelated */
    BC_RELATIONS
} bc_relation;

enum { BC_ENTAILMENT, BC_NEUTRAL, BC_CONTRADICTION };

/* Return the label of a premise with quantifier p over (R,S) and a hypothesis with h over (R',S'), where R' and S'
 * relate to R and S as given. BC_IS and BC_IS_NOT are not combined with the other quantifiers. */
int bc_nli_label(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope);

#endif
