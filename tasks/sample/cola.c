/* Acceptability: 1 acceptable, 0 not.
 *
 * Every sentence tests one rule, named in the file's first column, and keeps or breaks it. Sentences of both labels are
 * drawn from the same words with the same frequencies, so no word reveals the label: it depends on which words meet,
 * and in which order. */
#include "tasks/sample/sample.h"

#include <stdio.h>
#include <string.h>

enum { DETERMINER, ADJECTIVE, NOUN, NEAR, VERB, ODETERMINER, OADJECTIVE, ONOUN, TAIL, PARTS };

typedef char part[48];

typedef struct sentence {
    part part[PARTS];
    const bc_noun *subject, *object; /* null: no object */
    const bc_verb *verb;
    bool plural, oplural;
} sentence;

static void set(part to, const char *words)
{
    snprintf(to, sizeof(part), "%s", words);
}

static const char *const determiners[2][5] = {
    {"the", "the", "this", "a", "every"},
    {"the", "the", "these", "many", "several"},
};

/* Set the determiner, adjective and noun of a subject or an object, at to[0] to to[2]. */
static void set_noun(bc_dice *dice, part *to, const bc_noun *noun, bool plural)
{
    set(to[0], *BC_PICK(dice, determiners[plural]));
    set(to[2], bc_noun_inflect(noun, plural, false).text);
    if (bc_chance(dice, 20)) set(to[1], bc_adjective_pick(dice, noun->sense)->word);
}

static void set_verb(sentence *s, bc_inflection form)
{
    set(s->part[VERB], bc_verb_inflect(s->verb, form, false).text);
}

/* Build a sentence in the past tense for a verb. If object_senses is 0, the sentence has no object. */
static void build(bc_dice *dice, sentence *s, const bc_verb *verb, unsigned subject_senses, unsigned object_senses)
{
    s->verb = verb;
    s->subject = bc_noun_pick(dice, subject_senses, BC_BOTH);
    s->plural = bc_chance(dice, 50);
    s->oplural = bc_chance(dice, 50);
    set_noun(dice, s->part + DETERMINER, s->subject, s->plural);
    set_verb(s, BC_PAST);
    if (object_senses) {
        s->object = bc_noun_pick(dice, object_senses, BC_BOTH);
        set_noun(dice, s->part + ODETERMINER, s->object, s->oplural);
    }
    if (bc_chance(dice, 25)) set(s->part[TAIL], bc_place_pick(dice, BC_BOTH)->words);
}

/* Draw an acceptable sentence, with or without an object. */
static void draw(bc_dice *dice, sentence *s, bool object)
{
    const bc_verb *verb = bc_verb_pick(dice, BC_ALIVE, object ? BC_ANY : 0);
    build(dice, s, verb, verb->subject, verb->object);
}

/* "the dogs near the tower sleeps" */
static void try_agreement(bc_dice *dice, bool good, sentence *s)
{
    draw(dice, s, bc_chance(dice, 50));
    if (bc_chance(dice, 15)) {
        const bc_noun *noun = bc_noun_pick(dice, BC_THING, BC_BOTH);
        snprintf(s->part[NEAR], sizeof s->part[NEAR], "near the %s",
                 bc_noun_inflect(noun, bc_chance(dice, 50), false).text);
    }
    set_verb(s, s->plural == good ? BC_BASE : BC_THIRD);
}

/* "these doctor laughed" */
static void try_determiner(bc_dice *dice, bool good, sentence *s)
{
    draw(dice, s, bc_chance(dice, 50));
    const bool object = s->object && bc_chance(dice, 50);
    const bool plural = object ? s->oplural : s->plural;
    const char *word = determiners[plural == good][2 + bc_roll(dice, 3)];
    set(s->part[object ? ODETERMINER : DETERMINER], word);
}

/* Two parts are swapped: "doctor the saw a dog", "the doctor dog a saw". */
static void try_order(bc_dice *dice, bool good, sentence *s)
{
    static const int swaps[][2] = {
        {DETERMINER, NOUN}, {VERB, ONOUN}, {ODETERMINER, ONOUN}, {NOUN, VERB}, {DETERMINER, VERB},
    };
    draw(dice, s, true);
    if (good) return;
    const int *swap = *BC_PICK(dice, swaps);
    part kept;
    memcpy(kept, s->part[swap[0]], sizeof kept);
    memcpy(s->part[swap[0]], s->part[swap[1]], sizeof kept);
    memcpy(s->part[swap[1]], kept, sizeof kept);
}

/* "the hammer laughed", "a boy drove the egg" */
static void try_selection(bc_dice *dice, bool good, sentence *s)
{
    if (bc_chance(dice, 40)) {
        build(dice, s, bc_verb_pick(dice, BC_PERSON, 0), good ? BC_PERSON : BC_GOODS, 0);
        return;
    }
    const bc_verb *verb; /* its object may have some of the senses in BC_GOODS, but not all */
    do verb = bc_verb_pick(dice, BC_PERSON, BC_GOODS);
    while (verb->object & BC_BUILDING);
    build(dice, s, verb, BC_PERSON, good ? verb->object : BC_GOODS & ~verb->object);
}

/* "Anna called himself", "Ben and Rosa helped herself" */
static void try_reflexive(bc_dice *dice, bool good, sentence *s)
{
    static const char *const pronouns[] = {"himself", "herself", "themselves"};
    static const char *const actions[] = {"helped", "saw", "found", "painted", "cleaned", "fed"};
    const bc_person_name *name = bc_person_name_pick(dice), *second = bc_person_name_pick(dice);
    uint32_t right = name->female, pronoun;
    set(s->part[NOUN], name->name);
    if (second != name && bc_chance(dice, 40)) {
        right = 2;
        snprintf(s->part[NEAR], sizeof s->part[NEAR], "and %s", second->name);
    }
    pronoun = good ? right : right == 2 ? bc_roll(dice, 2) : 1 - right;
    set(s->part[VERB], *BC_PICK(dice, actions));
    set(s->part[ONOUN], pronouns[pronoun]);
    if (bc_chance(dice, 60)) set(s->part[TAIL], bc_time_pick(dice, BC_BOTH)->words);
}

/* "the girl slept the egg", "a boy repaired" */
static void try_valency(bc_dice *dice, bool good, sentence *s)
{
    const bool object = bc_chance(dice, 50);
    const bc_verb *verb = bc_verb_pick_strict(dice, object == good);
    build(dice, s, verb, BC_PERSON, object ? good ? verb->object : BC_GOODS : 0);
}

/* "the boy can swimming", "a bird was sleep" */
static void try_form(bc_dice *dice, bool good, sentence *s)
{
    static const struct {
        const char *singular, *plural;
        bc_inflection inflection;
    } auxiliaries[] = {
        {"will", "will", BC_BASE}, {"can", "can", BC_BASE},   {"did not", "did not", BC_BASE},
        {"is", "are", BC_GERUND},  {"was", "were", BC_GERUND},
    };
    draw(dice, s, bc_chance(dice, 50));
    const size_t helper = bc_roll(dice, (uint32_t)BC_COUNT(auxiliaries));
    bc_inflection inflection = auxiliaries[helper].inflection;
    if (!good) inflection = inflection == BC_GERUND ? BC_BASE : BC_GERUND;
    const bc_word_form verb = bc_verb_inflect(s->verb, inflection, false);
    snprintf(s->part[VERB], sizeof s->part[VERB], "%s %s",
             s->plural ? auxiliaries[helper].plural : auxiliaries[helper].singular, verb.text);
}

static const struct {
    const char *name;
    uint32_t percent; /* share of the sentences that test the rule */
    void (*attempt)(bc_dice *, bool good, sentence *);
} rules[] = {
    {"agr", 20, try_agreement}, {"det", 20, try_determiner}, {"ord", 26, try_order},  {"form", 16, try_form},
    {"sel", 8, try_selection},  {"ref", 6, try_reflexive},   {"val", 4, try_valency},
};

void bc_grammar_cola(bc_dice *dice, bc_sample *sample)
{
    sentence s = {0};
    uint32_t at = bc_roll(dice, 100);
    size_t rule = 0;
    while (at >= rules[rule].percent) at -= rules[rule++].percent;
    sample->rule = rules[rule].name;
    sample->label = bc_chance(dice, 62);
    rules[rule].attempt(dice, sample->label, &s);
    for (int i = 0; i < PARTS; i++) bc_add_words(&sample->a, s.part[i]);
    bc_add_words(&sample->a, ".");
    bc_finish_text(&sample->a, BC_PROSE);
}
