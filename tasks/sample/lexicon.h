/* The words of the sample and what a grammar must know of them. */
#ifndef BC_TASKS_SAMPLE_LEXICON_H
#define BC_TASKS_SAMPLE_LEXICON_H

#include <stdbool.h>

#include "tasks/sample/text.h"

/* What a noun denotes, and what a verb or adjective accepts. */
enum {
    BC_PERSON = 1, BC_ANIMAL = 2, BC_FOOD = 4, BC_PRINT = 8, BC_VEHICLE = 16, BC_TOOL = 32,
    BC_INSTRUMENT = 64, BC_FURNITURE = 128, BC_BUILDING = 256, BC_CLOTHES = 512,
    BC_ALIVE = BC_PERSON | BC_ANIMAL,
    BC_GOODS = BC_FOOD | BC_PRINT | BC_VEHICLE | BC_TOOL | BC_INSTRUMENT | BC_FURNITURE | BC_CLOTHES,
    BC_THING = BC_GOODS | BC_BUILDING,
    BC_ANY = BC_ALIVE | BC_THING
};

/* Where a word is at home: MNLI's matched files speak of the town, the others of the country. */
enum { BC_TOWN = 1, BC_COUNTRY = 2, BC_BOTH = BC_TOWN | BC_COUNTRY };

typedef struct bc_noun {
    const char *one, *many; /* many null: regular */
    unsigned sense, home;
    const char *kind;       /* its hypernym's `one`, or null */
    const char *also;       /* a synonym with a regular plural, or null */
} bc_noun;

typedef struct bc_verb {
    const char *base, *past, *participle, *gerund; /* null: regular */
    unsigned subject, object;                      /* senses; object 0: intransitive */
    const char *also;                              /* a regular synonym, or null */
    bool strict; /* never with an object (intransitives), never without (the others) */
} bc_verb;

typedef struct bc_adjective {
    const char *word;
    unsigned sense;
    const char *opposite; /* never true of the same thing; another row's word */
    const char *also;     /* a synonym, or null */
} bc_adjective;

typedef struct bc_adjunct {
    const char *words;
    unsigned home;
    const char *also;
} bc_adjunct;

typedef struct bc_person_name {
    const char *name;
    bool female;
} bc_person_name;

typedef enum bc_form { BC_BASE, BC_THIRD, BC_PAST, BC_PARTICIPLE, BC_GERUND } bc_form;

typedef struct bc_inflected {
    char text[32];
} bc_inflected;

bc_inflected bc_noun_form(const bc_noun *noun, bool plural, bool also);
bc_inflected bc_verb_form(const bc_verb *verb, bc_form form, bool also);

/* Any noun, verb or adjective that has one of the senses (and home). For verbs: `subject` and
 * `object` senses must both be met; object 0 asks for an intransitive verb. */
const bc_noun *bc_noun_pick(bc_dice *dice, unsigned senses, unsigned home);
const bc_noun *bc_noun_pick_leaf(bc_dice *dice, unsigned senses); /* one that is no other's kind */
const bc_verb *bc_verb_pick(bc_dice *dice, unsigned subject, unsigned object);
const bc_verb *bc_verb_pick_strict(bc_dice *dice, bool transitive);
const bc_adjective *bc_adjective_pick(bc_dice *dice, unsigned senses);
const bc_adjunct *bc_place_pick(bc_dice *dice, unsigned home);
const bc_adjunct *bc_time_pick(bc_dice *dice, unsigned home);
const bc_person_name *bc_name_pick(bc_dice *dice);
const char *bc_manner_pick(bc_dice *dice);

const bc_noun *bc_noun_find(const char *one);               /* null: unknown */
const bc_adjective *bc_adjective_find(const char *word);    /* null: unknown */
bool bc_noun_is_a(const bc_noun *noun, const bc_noun *kind); /* a noun is its own kind */

#endif
