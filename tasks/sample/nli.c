/* Inference by monotonicity.
 *
 * "every" stays true if its restrictor shrinks or its scope grows, "no" if either shrinks, and so on: see the table
 * `monotonicity`. "every" weakens to "some" and "no" to "not every", as the restrictor is never empty. A premise
 * entails a hypothesis that is reached by such changes and at most one weakening. A premise contradicts a hypothesis if
 * it entails the negation of the hypothesis. Any other pair is neutral.
 *
 * If a scope is opposite to the old scope, its complement contains the old scope. So after the premise "every child was
 * calm", the hypothesis "no child was nervous" is treated as "every" with a wider scope, the complement of "nervous".
 *
 * Source: van Benthem 1986, Essays in logical semantics; the square of opposition. */
#include "tasks/sample/nli.h"

#include "tasks/sample/sample.h"

static const struct {
    bc_relation restrictor, scope; /* changes under which a statement stays true */
    bc_quantifier weaker;          /* the quantifier itself if there is no weaker quantifier */
    bc_quantifier negation, over_complement;
} monotonicity[BC_QUANTIFIERS] = {
    [BC_EVERY] = {BC_NARROWER, BC_WIDER, BC_SOME, BC_NOT_EVERY, BC_NO},
    [BC_SOME] = {BC_WIDER, BC_WIDER, BC_SOME, BC_NO, BC_NOT_EVERY},
    [BC_NO] = {BC_NARROWER, BC_NARROWER, BC_NOT_EVERY, BC_SOME, BC_EVERY},
    [BC_NOT_EVERY] = {BC_WIDER, BC_NARROWER, BC_NOT_EVERY, BC_EVERY, BC_SOME},
    [BC_IS] = {BC_SAME, BC_WIDER, BC_IS, BC_IS_NOT, BC_IS_NOT},
    [BC_IS_NOT] = {BC_SAME, BC_NARROWER, BC_IS_NOT, BC_IS, BC_IS},
};

static bool entails(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope)
{
    if (h != p && h != monotonicity[p].weaker) return false;
    bool restrictor_moves = restrictor == BC_SAME || restrictor == monotonicity[p].restrictor ||
                            restrictor == monotonicity[h].restrictor;
    bool scope_moves = scope == BC_SAME || scope == monotonicity[p].scope;
    return restrictor_moves && scope_moves;
}

int bc_nli_label(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope)
{
    if (scope == BC_OPPOSITE) {
        h = monotonicity[h].over_complement;
        scope = BC_WIDER;
    }
    if (entails(p, h, restrictor, scope)) return BC_ENTAILMENT;
    if (entails(p, monotonicity[h].negation, restrictor, scope)) return BC_CONTRADICTION;
    return BC_NEUTRAL;
}

/* What the subjects did ("repaired the red car at night") or were ("was calm on Friday"). */
typedef struct scope {
    const bc_verb *verb; /* null: "was" with a state */
    const bc_adjective *state;
    bc_phrase object;
    const char *manner;
    const bc_adjunct *time;
    bool use_synonym; /* use the synonym of the verb, if it has one */
} scope;

typedef struct statement {
    bc_quantifier quantifier;
    bc_phrase restrictor;
    scope scope;
} statement;

/* Draw a restrictor whose noun has a hypernym. A noun without a hypernym ("person") includes all other nouns of its
 * sense, so no other restrictor could differ from it. */
static bc_phrase draw_restrictor(bc_dice *dice, unsigned senses, unsigned genre)
{
    bc_phrase r;
    do r = (bc_phrase){.noun = bc_noun_pick(dice, senses, genre)};
    while (!r.noun->hypernym);
    if (bc_chance(dice, 60)) r.adjective = bc_adjective_pick(dice, r.noun->sense);
    if (!r.adjective || bc_chance(dice, 15)) r.place = bc_place_pick(dice, genre);
    return r;
}

static bc_phrase draw_object(bc_dice *dice, unsigned senses, unsigned genre)
{
    bc_phrase object = {.determiner = "a", .noun = bc_noun_pick(dice, senses, genre)};
    if (bc_chance(dice, 50)) object.adjective = bc_adjective_pick(dice, object.noun->sense);
    return object;
}

/* Whether subject and state are the same adjective or opposites, as in "every calm child was nervous". */
static bool clash(const bc_adjective *adjective, const bc_adjective *state)
{
    return adjective && state && (adjective == state || adjective == bc_adjective_find(state->opposite));
}

static scope draw_scope(bc_dice *dice, const bc_phrase *subject, bool state, unsigned genre)
{
    const unsigned sense = subject->noun ? subject->noun->sense : BC_PERSON;
    scope s = {0};
    if (state) {
        do s.state = bc_adjective_pick(dice, sense);
        while (clash(subject->adjective, s.state));
    } else {
        s.verb = bc_verb_pick(dice, sense, bc_chance(dice, 55) ? BC_THING : 0);
        if (s.verb->object) s.object = draw_object(dice, s.verb->object & BC_THING, genre);
        if (!s.object.adjective && bc_chance(dice, 50)) s.manner = bc_manner_pick(dice);
    }
    if (!s.manner && !s.object.adjective) s.time = bc_time_pick(dice, genre);
    return s;
}

/* Widen a phrase: drop one modifier, or replace the noun by its hypernym. The hypernym loses the adjective too, for a
 * small tower is not always a small building. The phrases drawn above always have something to drop. */
static bc_phrase widen_phrase(bc_dice *dice, bc_phrase phrase)
{
    if (phrase.noun->hypernym && bc_chance(dice, 25)) {
        phrase.noun = bc_noun_find(phrase.noun->hypernym);
        phrase.adjective = NULL;
    } else if (phrase.adjective) {
        phrase.adjective = NULL;
    } else {
        phrase.place = NULL;
    }
    return phrase;
}

static scope widen_scope(bc_dice *dice, scope s)
{
    if (s.object.adjective || (s.object.noun && s.object.noun->hypernym && bc_chance(dice, 25)))
        s.object = widen_phrase(dice, s.object);
    else if (s.manner)
        s.manner = NULL;
    else
        s.time = NULL;
    return s;
}

static const char *determiner(bc_dice *dice, bc_quantifier quantifier, bool *plural)
{
    static const struct {
        const char *words;
        bool plural;
    } choices[][2] = {
        [BC_EVERY] = {{"every", false}, {"all", true}},
        [BC_SOME] = {{"some", true}, {"a", false}},
        [BC_NO] = {{"no", false}, {"no", true}},
        [BC_NOT_EVERY] = {{"not every", false}, {"not all", true}},
    };
    const uint32_t choice = bc_roll(dice, 2);
    *plural = choices[quantifier][choice].plural;
    return choices[quantifier][choice].words;
}

static void write_statement(bc_dice *dice, const statement *st, bool future, bc_sample_text *text)
{
    bc_phrase subject = st->restrictor;
    const bool negative = st->quantifier == BC_IS_NOT;
    if (!subject.name) subject.determiner = determiner(dice, st->quantifier, &subject.plural);
    bc_add_phrase(text, &subject);
    if (future) bc_add_words(text, "will");
    if (st->scope.verb) {
        if (negative) bc_add_words(text, future ? "not" : "did not");
        const bc_inflection inflection = future || negative ? BC_BASE : BC_PAST;
        bc_add_words(text, bc_verb_inflect(st->scope.verb, inflection, st->scope.use_synonym).text);
        bc_add_phrase(text, &st->scope.object);
    } else {
        if (!future) bc_add_words(text, subject.plural ? "were" : "was");
        if (negative) bc_add_words(text, "not");
        if (future) bc_add_words(text, "be");
        bc_add_words(text, st->scope.state->word);
    }
    if (st->scope.manner) bc_add_words(text, st->scope.manner);
    if (st->scope.time) bc_add_words(text, st->scope.time->words);
    bc_add_words(text, ".");
    bc_finish_text(text, BC_PROSE);
}

/* The quantifiers and relations of a pair, which decide its label. */
typedef struct plan {
    bc_quantifier premise, hypothesis;
    bc_relation restrictor, scope;
} plan;

/* Most plans change one set in addition to the quantifier. */
static plan draw_plan(bc_dice *dice)
{
    static const bc_relation restrictors[] = {BC_NARROWER, BC_WIDER, BC_NARROWER, BC_WIDER, BC_OTHER};
    static const bc_relation scopes[] = {BC_NARROWER, BC_WIDER, BC_NARROWER, BC_WIDER, BC_OPPOSITE, BC_OTHER};
    const bool person = bc_chance(dice, 40);
    const bc_quantifier first = person ? BC_IS : BC_EVERY;
    const uint32_t quantifiers = person ? 2 : 4, edit = bc_roll(dice, 100);
    plan p = {.premise = first + bc_roll(dice, quantifiers)};
    p.hypothesis = bc_chance(dice, 50) ? p.premise : first + bc_roll(dice, quantifiers);
    if (person && edit < 6) p.restrictor = BC_OTHER;
    if (!person && edit < 45) p.restrictor = *BC_PICK(dice, restrictors);
    if (person ? edit < 80 : edit >= 35 && edit < 85) p.scope = *BC_PICK(dice, scopes);
    return p;
}

/* Return the label of a plan; -1 if both statements would be the same. */
static int plan_label(const plan *p)
{
    if (p->premise == p->hypothesis && p->restrictor == BC_SAME && p->scope == BC_SAME) return -1;
    return bc_nli_label(p->premise, p->hypothesis, p->restrictor, p->scope);
}

static bc_phrase draw_other_restrictor(bc_dice *dice, const statement *old, unsigned genre)
{
    const bc_phrase *r = &old->restrictor;
    bc_phrase other;
    if (r->name) {
        do other = (bc_phrase){.name = bc_person_name_pick(dice)};
        while (other.name == r->name);
        return other;
    }
    do other = draw_restrictor(dice, r->noun->sense, genre);
    while (bc_noun_is_a(other.noun, r->noun) || bc_noun_is_a(r->noun, other.noun) ||
           clash(other.adjective, old->scope.state));
    return other;
}

/* Change restrictor and scope so that they relate as planned. If the hypothesis is to be narrower, the premise is
 * widened. */
static void relate(bc_dice *dice, const plan *p, unsigned genre, statement *premise, statement *hypothesis)
{
    statement *widened = p->restrictor == BC_NARROWER ? premise : hypothesis;
    if (p->restrictor == BC_NARROWER || p->restrictor == BC_WIDER)
        widened->restrictor = widen_phrase(dice, widened->restrictor);
    if (p->restrictor == BC_OTHER) hypothesis->restrictor = draw_other_restrictor(dice, premise, genre);
    widened = p->scope == BC_NARROWER ? premise : hypothesis;
    if (p->scope == BC_NARROWER || p->scope == BC_WIDER) widened->scope = widen_scope(dice, widened->scope);
    if (p->scope == BC_OPPOSITE) hypothesis->scope.state = bc_adjective_find(premise->scope.state->opposite);
    if (p->scope == BC_OTHER) {
        do hypothesis->scope = draw_scope(dice, &premise->restrictor, false, genre);
        while (hypothesis->scope.verb == premise->scope.verb);
    }
}

static void write_pair(bc_dice *dice, const plan *p, bc_sample *sample)
{
    const unsigned genre = sample->variant;
    const bool person = p->premise >= BC_IS, future = genre == BC_COUNTRY;
    const bool state = p->scope == BC_OPPOSITE || bc_chance(dice, 20);
    statement premise = {.quantifier = p->premise};
    if (person) premise.restrictor = (bc_phrase){.name = bc_person_name_pick(dice)};
    else premise.restrictor = draw_restrictor(dice, BC_ALIVE, genre);
    premise.scope = draw_scope(dice, &premise.restrictor, state, genre);
    statement hypothesis = premise;
    hypothesis.quantifier = p->hypothesis;
    relate(dice, p, genre, &premise, &hypothesis);
    hypothesis.restrictor.use_synonym = bc_chance(dice, 30);
    hypothesis.scope.use_synonym = hypothesis.scope.object.use_synonym = bc_chance(dice, 30);
    write_statement(dice, &premise, future, &sample->a);
    write_statement(dice, &hypothesis, future, &sample->b);
}

void bc_grammar_mnli(bc_dice *dice, bc_sample *sample)
{
    plan p;
    sample->label = (int)bc_roll(dice, 3);
    do p = draw_plan(dice);
    while (plan_label(&p) != sample->label);
    write_pair(dice, &p, sample);
}

void bc_grammar_rte(bc_dice *dice, bc_sample *sample)
{
    plan p;
    int label;
    sample->label = bc_chance(dice, 48);
    do p = draw_plan(dice), label = plan_label(&p);
    while (label < 0 || (label != BC_ENTAILMENT) != sample->label);
    write_pair(dice, &p, sample);
}
