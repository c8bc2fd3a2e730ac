/* The words of the sample, with the properties that the grammars need. */
#ifndef BC_TASKS_SAMPLE_LEXICON_H
#define BC_TASKS_SAMPLE_LEXICON_H

#include <stdbool.h>

#include "tasks/sample/text.h"

/* Senses: what a noun denotes, and what a verb or an adjective accepts. */
enum {
    BC_PERSON = 1, BC_ANIMAL = 2, BC_FOOD = 4, BC_PRINT = 8, BC_VEHICLE = 16, BC_TOOL = 32,
    BC_INSTRUMENT = 64, BC_FURNITURE = 128, BC_BUILDING = 256, BC_CLOTHES = 512,
    BC_ALIVE = BC_PERSON | BC_ANIMAL,
    BC_GOODS = BC_FOOD | BC_PRINT | BC_VEHICLE | BC_TOOL | BC_INSTRUMENT | BC_FURNITURE | BC_CLOTHES,
    BC_THING = BC_GOODS | BC_BUILDING,
    BC_ANY = BC_ALIVE | BC_THING
};

/* The genres that a word occurs in: town in MNLI's train and matched files, country in the mismatched files. */
enum { BC_TOWN = 1, BC_COUNTRY = 2, BC_BOTH = BC_TOWN | BC_COUNTRY };

typedef struct bc_noun {
    const char *singular, *plural; /* plural null: regular */
    unsigned sense, genre;
    const char *hypernym;   /* singular of the more general noun, or null */
    const char *synonym;    /* a noun with a regular plural, or null */
} bc_noun;

typedef struct bc_verb {
    const char *base, *past, *participle, *gerund; /* null: regular */
    unsigned subject, object;                      /* senses; object 0: intransitive */
    const char *synonym;                           /* a verb with regular forms, or null */
    bool strict; /* an intransitive verb that never has an object, or a transitive verb that always has one */
} bc_verb;

typedef struct bc_adjective {
    const char *word;
    unsigned sense;
    const char *opposite; /* another adjective of the table, never true of the same thing */
    const char *synonym;  /* or null */
} bc_adjective;

typedef struct bc_adjunct {
    const char *words;
    unsigned genre;
    const char *synonym; /* or null */
} bc_adjunct;

typedef struct bc_person_name {
    const char *name;
    bool female;
} bc_person_name;

typedef enum bc_inflection { BC_BASE, BC_THIRD, BC_PAST, BC_PARTICIPLE, BC_GERUND } bc_inflection;

typedef struct bc_word_form {
    char text[32];
} bc_word_form;

/* Inflect a word, or its synonym if `use_synonym` is set and the word has a synonym. */
bc_word_form bc_noun_inflect(const bc_noun *noun, bool plural, bool use_synonym);
bc_word_form bc_verb_inflect(const bc_verb *verb, bc_inflection inflection, bool use_synonym);

/* Pick a random word that has one of the senses (and one of the genres). A verb must accept one of the senses in
 * `subject` and one of the senses in `object`. If `object` is 0, an intransitive verb is picked. */
const bc_noun *bc_noun_pick(bc_dice *dice, unsigned senses, unsigned genre);
const bc_noun *bc_noun_pick_leaf(bc_dice *dice, unsigned senses); /* a noun that is not the hypernym of another */
const bc_verb *bc_verb_pick(bc_dice *dice, unsigned subject, unsigned object);
const bc_verb *bc_verb_pick_strict(bc_dice *dice, bool transitive);
const bc_adjective *bc_adjective_pick(bc_dice *dice, unsigned senses);
const bc_adjunct *bc_place_pick(bc_dice *dice, unsigned genre);
const bc_adjunct *bc_time_pick(bc_dice *dice, unsigned genre);
const bc_person_name *bc_person_name_pick(bc_dice *dice);
const char *bc_manner_pick(bc_dice *dice);

const bc_noun *bc_noun_find(const char *singular);          /* null: unknown */
const bc_adjective *bc_adjective_find(const char *word);    /* null: unknown */
bool bc_noun_is_a(const bc_noun *noun, const bc_noun *other); /* whether `other` is the noun or one of its hypernyms */

#endif
