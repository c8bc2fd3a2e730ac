/* The words of the sample, one table per part of speech.
 *
 * 1. A `hypernym` and an `opposite` are rows of the same table. Synonyms are not rows, so two different rows never mean
 *    the same.
 * 2. Nouns of one sense with different hypernyms may denote the same person or thing (a teacher may be a singer). No
 *    grammar concludes anything from a difference of words, except for adjectives that are each other's `opposite`. */
#include "tasks/sample/lexicon.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const bc_noun nouns[] = {
    {"person", "people", BC_PERSON, BC_BOTH, NULL, NULL},
    {"child", "children", BC_PERSON, BC_BOTH, "person", "kid"},
    {"boy", NULL, BC_PERSON, BC_BOTH, "child", NULL},
    {"girl", NULL, BC_PERSON, BC_BOTH, "child", NULL},
    {"doctor", NULL, BC_PERSON, BC_BOTH, "person", "physician"},
    {"teacher", NULL, BC_PERSON, BC_BOTH, "person", NULL},
    {"lawyer", NULL, BC_PERSON, BC_TOWN, "person", "attorney"},
    {"musician", NULL, BC_PERSON, BC_BOTH, "person", NULL},
    {"drummer", NULL, BC_PERSON, BC_TOWN, "musician", NULL},
    {"singer", NULL, BC_PERSON, BC_BOTH, "musician", NULL},
    {"artist", NULL, BC_PERSON, BC_BOTH, "person", NULL},
    {"painter", NULL, BC_PERSON, BC_TOWN, "artist", NULL},
    {"worker", NULL, BC_PERSON, BC_BOTH, "person", NULL},
    {"baker", NULL, BC_PERSON, BC_TOWN, "worker", NULL},
    {"farmer", NULL, BC_PERSON, BC_COUNTRY, "worker", NULL},
    {"sailor", NULL, BC_PERSON, BC_COUNTRY, "worker", NULL},
    {"hunter", NULL, BC_PERSON, BC_COUNTRY, "person", NULL},
    {"animal", NULL, BC_ANIMAL, BC_BOTH, NULL, NULL},
    {"dog", NULL, BC_ANIMAL, BC_BOTH, "animal", NULL},
    {"poodle", NULL, BC_ANIMAL, BC_TOWN, "dog", NULL},
    {"cat", NULL, BC_ANIMAL, BC_BOTH, "animal", NULL},
    {"bird", NULL, BC_ANIMAL, BC_BOTH, "animal", NULL},
    {"parrot", NULL, BC_ANIMAL, BC_TOWN, "bird", NULL},
    {"duck", NULL, BC_ANIMAL, BC_COUNTRY, "bird", NULL},
    {"horse", NULL, BC_ANIMAL, BC_COUNTRY, "animal", NULL},
    {"goat", NULL, BC_ANIMAL, BC_COUNTRY, "animal", NULL},
    {"fruit", NULL, BC_FOOD, BC_BOTH, NULL, NULL},
    {"apple", NULL, BC_FOOD, BC_BOTH, "fruit", NULL},
    {"pear", NULL, BC_FOOD, BC_COUNTRY, "fruit", NULL},
    {"lemon", NULL, BC_FOOD, BC_TOWN, "fruit", NULL},
    {"cake", NULL, BC_FOOD, BC_BOTH, NULL, NULL},
    {"sandwich", NULL, BC_FOOD, BC_TOWN, NULL, NULL},
    {"egg", NULL, BC_FOOD, BC_COUNTRY, NULL, NULL},
    {"book", NULL, BC_PRINT, BC_BOTH, NULL, NULL},
    {"novel", NULL, BC_PRINT, BC_BOTH, "book", NULL},
    {"diary", NULL, BC_PRINT, BC_TOWN, "book", "journal"},
    {"letter", NULL, BC_PRINT, BC_BOTH, NULL, NULL},
    {"poem", NULL, BC_PRINT, BC_COUNTRY, NULL, NULL},
    {"report", NULL, BC_PRINT, BC_TOWN, NULL, NULL},
    {"vehicle", NULL, BC_VEHICLE, BC_BOTH, NULL, NULL},
    {"car", NULL, BC_VEHICLE, BC_BOTH, "vehicle", "automobile"},
    {"bus", NULL, BC_VEHICLE, BC_TOWN, "vehicle", NULL},
    {"truck", NULL, BC_VEHICLE, BC_BOTH, "vehicle", "lorry"},
    {"tractor", NULL, BC_VEHICLE, BC_COUNTRY, "vehicle", NULL},
    {"tool", NULL, BC_TOOL, BC_BOTH, NULL, NULL},
    {"hammer", NULL, BC_TOOL, BC_BOTH, "tool", NULL},
    {"drill", NULL, BC_TOOL, BC_TOWN, "tool", NULL},
    {"shovel", NULL, BC_TOOL, BC_COUNTRY, "tool", "spade"},
    {"instrument", NULL, BC_INSTRUMENT, BC_BOTH, NULL, NULL},
    {"violin", NULL, BC_INSTRUMENT, BC_BOTH, "instrument", "fiddle"},
    {"piano", NULL, BC_INSTRUMENT, BC_TOWN, "instrument", NULL},
    {"flute", NULL, BC_INSTRUMENT, BC_COUNTRY, "instrument", NULL},
    {"seat", NULL, BC_FURNITURE, BC_BOTH, NULL, NULL},
    {"chair", NULL, BC_FURNITURE, BC_BOTH, "seat", NULL},
    {"bench", NULL, BC_FURNITURE, BC_COUNTRY, "seat", NULL},
    {"sofa", NULL, BC_FURNITURE, BC_TOWN, "seat", "couch"},
    {"lamp", NULL, BC_FURNITURE, BC_BOTH, NULL, NULL},
    {"building", NULL, BC_BUILDING, BC_BOTH, NULL, NULL},
    {"house", NULL, BC_BUILDING, BC_BOTH, "building", NULL},
    {"school", NULL, BC_BUILDING, BC_TOWN, "building", NULL},
    {"barn", NULL, BC_BUILDING, BC_COUNTRY, "building", NULL},
    {"tower", NULL, BC_BUILDING, BC_BOTH, "building", NULL},
    {"garment", NULL, BC_CLOTHES, BC_BOTH, NULL, NULL},
    {"coat", NULL, BC_CLOTHES, BC_BOTH, "garment", "jacket"},
    {"shirt", NULL, BC_CLOTHES, BC_TOWN, "garment", NULL},
    {"hat", NULL, BC_CLOTHES, BC_COUNTRY, "garment", NULL},
};

static const bc_verb verbs[] = {
    {"sleep", "slept", "slept", NULL, BC_ALIVE, 0, NULL, true},
    {"run", "ran", "run", "running", BC_ALIVE, 0, NULL, false},
    {"swim", "swam", "swum", "swimming", BC_ALIVE, 0, NULL, false},
    {"wait", NULL, NULL, NULL, BC_ALIVE, 0, NULL, true},
    {"arrive", NULL, NULL, NULL, BC_ALIVE, 0, NULL, true},
    {"laugh", NULL, NULL, NULL, BC_PERSON, 0, "chuckle", true},
    {"smile", NULL, NULL, NULL, BC_PERSON, 0, NULL, true},
    {"dance", NULL, NULL, NULL, BC_PERSON, 0, NULL, false},
    {"sing", "sang", "sung", NULL, BC_PERSON, 0, NULL, false},
    {"work", NULL, NULL, NULL, BC_PERSON, 0, "labour", false},
    {"read", "read", "read", NULL, BC_PERSON, BC_PRINT, NULL, false},
    {"write", "wrote", "written", NULL, BC_PERSON, BC_PRINT, NULL, false},
    {"eat", "ate", "eaten", NULL, BC_ALIVE, BC_FOOD, "devour", false},
    {"bring", "brought", "brought", NULL, BC_PERSON, BC_FOOD | BC_PRINT | BC_TOOL, NULL, true},
    {"drive", "drove", "driven", NULL, BC_PERSON, BC_VEHICLE, NULL, false},
    {"repair", NULL, NULL, NULL, BC_PERSON,
     BC_VEHICLE | BC_TOOL | BC_INSTRUMENT | BC_FURNITURE | BC_CLOTHES, "mend", true},
    {"buy", "bought", "bought", NULL, BC_PERSON, BC_THING, "purchase", true},
    {"sell", "sold", "sold", NULL, BC_PERSON, BC_THING, NULL, false},
    {"see", "saw", "seen", NULL, BC_ALIVE, BC_ANY, "notice", false},
    {"find", "found", "found", NULL, BC_ALIVE, BC_ANY, "discover", true},
    {"help", NULL, NULL, NULL, BC_PERSON, BC_ALIVE, "assist", false},
    {"visit", NULL, NULL, NULL, BC_PERSON, BC_PERSON | BC_BUILDING, NULL, true},
    {"call", NULL, NULL, NULL, BC_PERSON, BC_PERSON, "phone", false},
    {"thank", NULL, NULL, NULL, BC_PERSON, BC_PERSON, NULL, true},
    {"feed", "fed", "fed", NULL, BC_PERSON, BC_ANIMAL, NULL, true},
    {"chase", NULL, NULL, NULL, BC_ALIVE, BC_ALIVE, "pursue", true},
    {"play", NULL, NULL, NULL, BC_PERSON, BC_INSTRUMENT, NULL, false},
    {"paint", NULL, NULL, NULL, BC_PERSON, BC_BUILDING | BC_FURNITURE, NULL, false},
    {"clean", NULL, NULL, NULL, BC_PERSON, BC_THING & ~(unsigned)BC_FOOD, NULL, false},
    {"wear", "wore", "worn", NULL, BC_PERSON, BC_CLOTHES, NULL, true},
    {"build", "built", "built", NULL, BC_PERSON, BC_BUILDING | BC_FURNITURE, "construct", true},
};

static const bc_adjective adjectives[] = {
    {"tall", BC_PERSON | BC_BUILDING, "short", NULL},
    {"short", BC_PERSON | BC_BUILDING, "tall", NULL},
    {"young", BC_ALIVE, "old", NULL},
    {"old", BC_ALIVE, "young", "elderly"},
    {"happy", BC_ALIVE, "sad", "glad"},
    {"sad", BC_ALIVE, "happy", "unhappy"},
    {"rich", BC_PERSON, "poor", "wealthy"},
    {"poor", BC_PERSON, "rich", NULL},
    {"brave", BC_ALIVE, "timid", "courageous"},
    {"timid", BC_ALIVE, "brave", NULL},
    {"calm", BC_ALIVE, "nervous", NULL},
    {"nervous", BC_ALIVE, "calm", NULL},
    {"heavy", BC_GOODS, "light", NULL},
    {"light", BC_GOODS, "heavy", NULL},
    {"cheap", BC_THING, "expensive", NULL},
    {"expensive", BC_THING, "cheap", "costly"},
    {"clean", BC_THING, "dirty", NULL},
    {"dirty", BC_THING, "clean", NULL},
    {"red", BC_THING, "blue", NULL},
    {"blue", BC_THING, "red", NULL},
    {"large", BC_ANIMAL | BC_THING, "small", "big"},
    {"small", BC_ANIMAL | BC_THING, "large", "little"},
};

static const bc_adjunct places[] = {
    {"in the kitchen", BC_TOWN, NULL},      {"in the park", BC_TOWN, NULL},
    {"at the station", BC_TOWN, NULL},      {"in the library", BC_TOWN, NULL},
    {"in the garden", BC_BOTH, "in the yard"}, {"near the river", BC_BOTH, "by the river"},
    {"at the market", BC_BOTH, NULL},       {"in the village", BC_COUNTRY, NULL},
    {"in the forest", BC_COUNTRY, "in the woods"}, {"on the hill", BC_COUNTRY, NULL},
    {"at the harbour", BC_COUNTRY, NULL},
};

static const bc_adjunct times[] = {
    {"yesterday", BC_TOWN, NULL},           {"in the morning", BC_BOTH, "before noon"},
    {"at night", BC_BOTH, "after dark"},    {"on Monday", BC_TOWN, NULL},
    {"on Friday", BC_BOTH, NULL},           {"last week", BC_TOWN, NULL},
    {"in May", BC_COUNTRY, NULL},           {"after dinner", BC_BOTH, NULL},
    {"in the summer", BC_COUNTRY, NULL},
};

static const bc_person_name names[] = {
    {"Anna", true},  {"Ben", false},   {"Carla", true}, {"David", false}, {"Emma", true}, {"Frank", false},
    {"Grace", true}, {"Henry", false}, {"Irene", true}, {"José", false},  {"Zoë", true},  {"Oscar", false},
    {"Maria", true}, {"Peter", false}, {"Rosa", true},  {"Tom", false},
};

static const char *const manners[] = {
    "slowly", "quickly", "quietly", "loudly", "carefully", "badly", "alone", "again",
};

static bc_word_form join(const char *stem, size_t length, const char *ending)
{
    bc_word_form word;
    int n = snprintf(word.text, sizeof word.text, "%.*s%s", (int)length, stem, ending);
    assert(n > 0 && n < (int)sizeof word.text);
    (void)n;
    return word;
}

static bool ends_in_consonant_y(const char *word, size_t length)
{
    return length > 1 && word[length - 1] == 'y' && !strchr("aeiou", word[length - 2]);
}

/* Append -s, or -es to a word that ends in s, x, ch or sh. */
static bc_word_form add_s(const char *word)
{
    size_t n = strlen(word);
    if (ends_in_consonant_y(word, n)) return join(word, n - 1, "ies");
    bool hisses = strchr("sx", word[n - 1]) || (n > 1 && word[n - 1] == 'h' && strchr("cs", word[n - 2]));
    return join(word, n, hisses ? "es" : "s");
}

static bc_word_form add_ed(const char *word)
{
    size_t n = strlen(word);
    if (ends_in_consonant_y(word, n)) return join(word, n - 1, "ied");
    return join(word, n, word[n - 1] == 'e' ? "d" : "ed");
}

static bc_word_form add_ing(const char *word)
{
    size_t n = strlen(word);
    bool silent = n > 2 && word[n - 1] == 'e' && word[n - 2] != 'e';
    return join(word, silent ? n - 1 : n, "ing");
}

static bc_word_form as_is(const char *word)
{
    return join(word, strlen(word), "");
}

bc_word_form bc_noun_inflect(const bc_noun *noun, bool plural, bool use_synonym)
{
    const char *word = use_synonym && noun->synonym ? noun->synonym : noun->singular;
    if (!plural) return as_is(word);
    return word == noun->singular && noun->plural ? as_is(noun->plural) : add_s(word);
}

bc_word_form bc_verb_inflect(const bc_verb *verb, bc_inflection inflection, bool use_synonym)
{
    const bc_verb synonym = {.base = verb->synonym};
    const bc_verb *v = use_synonym && verb->synonym ? &synonym : verb;
    switch (inflection) {
    case BC_THIRD: return add_s(v->base);
    case BC_PAST: return v->past ? as_is(v->past) : add_ed(v->base);
    case BC_PARTICIPLE: return v->participle ? as_is(v->participle) : add_ed(v->base);
    case BC_GERUND: return v->gerund ? as_is(v->gerund) : add_ing(v->base);
    case BC_BASE: break;
    }
    return as_is(v->base);
}

/* Return a random row of `table` for which the condition `wanted` on `row` holds. */
#define PICK_WHERE(dice, type, table, wanted)                                                      \
    do {                                                                                           \
        uint32_t count = 0;                                                                        \
        for (const type *row = table; row < table + BC_COUNT(table); row++) count += (wanted);     \
        assert(count > 0);                                                                         \
        uint32_t chosen = bc_roll(dice, count);                                                    \
        for (const type *row = table;; row++)                                                      \
            if ((wanted) && chosen-- == 0) return row;                                             \
    } while (0)

const bc_noun *bc_noun_pick(bc_dice *dice, unsigned senses, unsigned genre)
{
    PICK_WHERE(dice, bc_noun, nouns, (row->sense & senses) && (row->genre & genre));
}

static bool is_hypernym(const bc_noun *noun)
{
    for (size_t i = 0; i < BC_COUNT(nouns); i++)
        if (nouns[i].hypernym && strcmp(nouns[i].hypernym, noun->singular) == 0) return true;
    return false;
}

const bc_noun *bc_noun_pick_leaf(bc_dice *dice, unsigned senses)
{
    const bc_noun *noun;
    do noun = bc_noun_pick(dice, senses, BC_BOTH);
    while (is_hypernym(noun));
    return noun;
}

const bc_verb *bc_verb_pick(bc_dice *dice, unsigned subject, unsigned object)
{
    PICK_WHERE(dice, bc_verb, verbs, (row->subject & subject) && (object ? (row->object & object) != 0 : !row->object));
}

const bc_verb *bc_verb_pick_strict(bc_dice *dice, bool transitive)
{
    PICK_WHERE(dice, bc_verb, verbs, row->strict && !row->object == !transitive);
}

const bc_adjective *bc_adjective_pick(bc_dice *dice, unsigned senses)
{
    PICK_WHERE(dice, bc_adjective, adjectives, (row->sense & senses) != 0);
}

const bc_adjunct *bc_place_pick(bc_dice *dice, unsigned genre)
{
    PICK_WHERE(dice, bc_adjunct, places, (row->genre & genre) != 0);
}

const bc_adjunct *bc_time_pick(bc_dice *dice, unsigned genre)
{
    PICK_WHERE(dice, bc_adjunct, times, (row->genre & genre) != 0);
}

const bc_person_name *bc_person_name_pick(bc_dice *dice)
{
    return BC_PICK(dice, names);
}

const char *bc_manner_pick(bc_dice *dice)
{
    return *BC_PICK(dice, manners);
}

const bc_noun *bc_noun_find(const char *singular)
{
    for (size_t i = 0; i < BC_COUNT(nouns); i++)
        if (strcmp(nouns[i].singular, singular) == 0) return &nouns[i];
    return NULL;
}

const bc_adjective *bc_adjective_find(const char *word)
{
    for (size_t i = 0; i < BC_COUNT(adjectives); i++)
        if (strcmp(adjectives[i].word, word) == 0) return &adjectives[i];
    return NULL;
}

bool bc_noun_is_a(const bc_noun *noun, const bc_noun *other)
{
    while (noun != other && noun->hypernym) noun = bc_noun_find(noun->hypernym);
    return noun == other;
}
