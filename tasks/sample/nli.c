/* Inference by monotonicity.
 *
 * "every" stays true when its restrictor shrinks and its scope grows, "no" when both shrink, and so
 * on: `moves` below. "every" weakens to "some" and "no" to "not every" (the restrictor is never
 * empty). An entailment is a walk of such moves before and after at most one weakening; a
 * contradiction is an entailment of the denial; all else is neutral. An opposite scope lies within
 * the complement of the old one, so that "every" over it reads "no" over something wider.
 *
 * Source: van Benthem 1986, Essays in logical semantics; the square of opposition. */
#include "tasks/sample/nli.h"

#include "tasks/sample/sample.h"

static const struct {
    bc_relation restrictor, scope;              /* what a statement survives */
    bc_quantifier weaker, denial, of_complement; /* weaker: itself where there is none */
} moves[BC_QUANTIFIERS] = {
    [BC_EVERY] = {BC_NARROWER, BC_WIDER, BC_SOME, BC_NOT_EVERY, BC_NO},
    [BC_SOME] = {BC_WIDER, BC_WIDER, BC_SOME, BC_NO, BC_NOT_EVERY},
    [BC_NO] = {BC_NARROWER, BC_NARROWER, BC_NOT_EVERY, BC_SOME, BC_EVERY},
    [BC_NOT_EVERY] = {BC_WIDER, BC_NARROWER, BC_NOT_EVERY, BC_EVERY, BC_SOME},
    [BC_IS] = {BC_SAME, BC_WIDER, BC_IS, BC_IS_NOT, BC_IS_NOT},
    [BC_IS_NOT] = {BC_SAME, BC_NARROWER, BC_IS_NOT, BC_IS, BC_IS},
};

static bool entails(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope)
{
    if (h != p && h != moves[p].weaker) return false;
    bool restrictor_moves = restrictor == BC_SAME || restrictor == moves[p].restrictor ||
                            restrictor == moves[h].restrictor;
    bool scope_moves = scope == BC_SAME || scope == moves[p].scope;
    return restrictor_moves && scope_moves;
}

int bc_nli_label(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope)
{
    if (scope == BC_OPPOSITE) {
        h = moves[h].of_complement;
        scope = BC_WIDER;
    }
    if (entails(p, h, restrictor, scope)) return BC_ENTAILMENT;
    if (entails(p, moves[h].denial, restrictor, scope)) return BC_CONTRADICTION;
    return BC_NEUTRAL;
}

/* What they did ("repaired the red car at night") or were ("was very calm on Friday"). */
typedef struct scope {
    const bc_verb *verb; /* null: was */
    const bc_adjective *state;
    bc_phrase object;
    const char *manner;
    const bc_adjunct *time;
    bool also;
} scope;

typedef struct statement {
    bc_quantifier quantifier;
    bc_phrase restrictor;
    scope scope;
} statement;

/* Of nouns that have a kind: every other noun would be one of the others. */
static bc_phrase draw_restrictor(bc_dice *dice, unsigned senses, unsigned home)
{
    bc_phrase r;
    do r = (bc_phrase){.noun = bc_noun_pick(dice, senses, home)};
    while (!r.noun->kind);
    if (bc_chance(dice, 60)) r.adjective = bc_adjective_pick(dice, r.noun->sense);
    if (!r.adjective || bc_chance(dice, 15)) r.place = bc_place_pick(dice, home);
    return r;
}

static bc_phrase draw_object(bc_dice *dice, unsigned senses, unsigned home)
{
    bc_phrase object = {.determiner = "a", .noun = bc_noun_pick(dice, senses, home)};
    if (bc_chance(dice, 50)) object.adjective = bc_adjective_pick(dice, object.noun->sense);
    return object;
}

/* Whether "every calm child was nervous" or the like would be settled by its words alone. */
static bool clash(const bc_adjective *adjective, const bc_adjective *state)
{
    return adjective && state && (adjective == state || adjective == bc_adjective_find(state->opposite));
}

static scope draw_scope(bc_dice *dice, const bc_phrase *subject, bool state, unsigned home)
{
    const unsigned sense = subject->noun ? subject->noun->sense : BC_PERSON;
    scope s = {0};
    if (state) {
        do s.state = bc_adjective_pick(dice, sense);
        while (clash(subject->adjective, s.state));
    } else {
        s.verb = bc_verb_pick(dice, sense, bc_chance(dice, 55) ? BC_THING : 0);
        if (s.verb->object) s.object = draw_object(dice, s.verb->object & BC_THING, home);
        if (!s.object.adjective && bc_chance(dice, 50)) s.manner = bc_manner_pick(dice);
    }
    if (!s.manner && !s.object.adjective) s.time = bc_time_pick(dice, home);
    return s;
}

/* Drop one modifier, or name the kind instead of the noun where there is one; the adjective then
 * goes too, for a small tower is no small building. The phrases drawn above always have something
 * to drop. */
static bc_phrase widen_phrase(bc_dice *dice, bc_phrase phrase)
{
    if (phrase.noun->kind && bc_chance(dice, 25)) {
        phrase.noun = bc_noun_find(phrase.noun->kind);
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
    if (s.object.adjective || (s.object.noun && s.object.noun->kind && bc_chance(dice, 25)))
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

static void say_was(bc_sentence *text, bool plural, bool negative, bool future)
{
    bc_say(text, future ? "will" : plural ? "were" : "was");
    if (negative) bc_say(text, "not");
    if (future) bc_say(text, "be");
}

static void say_did(bc_sentence *text, const scope *s, bool negative, bool future)
{
    if (future) bc_say(text, "will");
    if (negative) bc_say(text, future ? "not" : "did not");
    bc_say(text, bc_verb_form(s->verb, future || negative ? BC_BASE : BC_PAST, s->also).text);
    bc_phrase_say(text, &s->object);
}

static void say(bc_dice *dice, const statement *st, bool future, bc_sentence *text)
{
    bc_phrase subject = st->restrictor;
    const bool negative = st->quantifier == BC_IS_NOT;
    if (!subject.name) subject.determiner = determiner(dice, st->quantifier, &subject.plural);
    bc_phrase_say(text, &subject);
    if (st->scope.verb) {
        say_did(text, &st->scope, negative, future);
    } else {
        say_was(text, subject.plural, negative, future);
        bc_say(text, st->scope.state->word);
    }
    if (st->scope.manner) bc_say(text, st->scope.manner);
    if (st->scope.time) bc_say(text, st->scope.time->words);
    bc_say(text, ".");
    bc_polish(text, BC_PROSE);
}

/* Which quantifiers and relations a pair has; everything that decides its label. */
typedef struct plan {
    bc_quantifier premise, hypothesis;
    bc_relation restrictor, scope;
} plan;

/* Most pairs change one thing besides the quantifier. */
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

/* The label of a plan; -1 where it would say the same thing twice. */
static int plan_label(const plan *p)
{
    if (p->premise == p->hypothesis && p->restrictor == BC_SAME && p->scope == BC_SAME) return -1;
    return bc_nli_label(p->premise, p->hypothesis, p->restrictor, p->scope);
}

static bc_phrase draw_other_restrictor(bc_dice *dice, const statement *old, unsigned home)
{
    const bc_phrase *r = &old->restrictor;
    bc_phrase other;
    if (r->name) {
        do other = (bc_phrase){.name = bc_name_pick(dice)};
        while (other.name == r->name);
        return other;
    }
    do other = draw_restrictor(dice, r->noun->sense, home);
    while (bc_noun_is_a(other.noun, r->noun) || bc_noun_is_a(r->noun, other.noun) ||
           clash(other.adjective, old->scope.state));
    return other;
}

static scope draw_other_scope(bc_dice *dice, const scope *old, const bc_phrase *subject, unsigned home)
{
    scope other;
    do other = draw_scope(dice, subject, false, home);
    while (other.verb == old->verb);
    return other;
}

/* Set the hypothesis's restrictor and scope against the premise's; for narrower ones the premise
 * is the one that is widened. */
static void relate(bc_dice *dice, const plan *p, unsigned home, statement *premise, statement *hypothesis)
{
    statement *slim = p->restrictor == BC_NARROWER ? premise : hypothesis;
    if (p->restrictor == BC_NARROWER || p->restrictor == BC_WIDER)
        slim->restrictor = widen_phrase(dice, slim->restrictor);
    if (p->restrictor == BC_OTHER) hypothesis->restrictor = draw_other_restrictor(dice, premise, home);
    slim = p->scope == BC_NARROWER ? premise : hypothesis;
    if (p->scope == BC_NARROWER || p->scope == BC_WIDER) slim->scope = widen_scope(dice, slim->scope);
    if (p->scope == BC_OPPOSITE) hypothesis->scope.state = bc_adjective_find(premise->scope.state->opposite);
    if (p->scope == BC_OTHER) hypothesis->scope = draw_other_scope(dice, &premise->scope, &premise->restrictor, home);
}

static void write_pair(bc_dice *dice, const plan *p, bc_sample *sample)
{
    const unsigned home = sample->flavour;
    const bool person = p->premise >= BC_IS, future = home == BC_COUNTRY;
    const bool state = p->scope == BC_OPPOSITE || bc_chance(dice, 20);
    statement premise = {.quantifier = p->premise};
    premise.restrictor = person ? (bc_phrase){.name = bc_name_pick(dice)} : draw_restrictor(dice, BC_ALIVE, home);
    premise.scope = draw_scope(dice, &premise.restrictor, state, home);
    statement hypothesis = premise;
    hypothesis.quantifier = p->hypothesis;
    relate(dice, p, home, &premise, &hypothesis);
    hypothesis.restrictor.also = bc_chance(dice, 30);
    hypothesis.scope.also = hypothesis.scope.object.also = bc_chance(dice, 30);
    say(dice, &premise, future, &sample->a);
    say(dice, &hypothesis, future, &sample->b);
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
