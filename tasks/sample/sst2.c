/* Sentiment: 1 positive, 0 negative.
 *
 * The polarity of a judgement is the polarity of its word, inverted by the words that govern it ("not dull", "lacks
 * charm", "far from clever"). If two judgements are opposed, the main clause decides ("slow at first , but moving in
 * the end"). The polarity of the sentence is drawn first; the pattern then determines the polarity of each word. */
#include "tasks/sample/sample.h"

static const char *const qualities[2][20] = {
    {"dull",   "clumsy", "tedious", "bland", "shallow", "messy", "tiresome",    "stale", "lifeless", "predictable",
     "hollow", "boring", "awkward", "silly", "painful", "weak",  "forgettable", "slow",  "cold",     "ugly"},
    {"moving",   "funny",     "charming",  "clever",    "warm",       "brilliant", "fresh",
     "gripping", "tender",    "sharp",     "elegant",   "delightful", "honest",    "witty",
     "strong",   "thrilling", "beautiful", "memorable", "inventive",  "splendid"},
};

static const char *const substances[2][8] = {
    {"noise", "clutter", "boredom", "confusion", "bombast", "padding", "cliche", "gloom"},
    {"charm", "wit", "warmth", "energy", "imagination", "grace", "heart", "beauty"},
};

static const char *const topics[] = {
    "film", "movie", "story", "plot", "script", "cast", "acting", "dialogue",
    "music", "ending", "drama", "comedy", "sequel", "direction", "humour", "camerawork",
};

typedef struct governor {
    const char *words;
    bool inverts;
} governor;

/* Words before a quality. Frequent choices occur more than once. */
static const governor degrees[] = {
    {"", false},       {"", false},       {"", false},        {"", false},        {"very", false},
    {"really", false}, {"deeply", false}, {"truly", false},   {"quite", false},   {"not", true},
    {"never", true},   {"hardly", true},  {"far from", true}, {"not very", true}, {"anything but", true},
};

/* Patterns with $T topic, $A quality with its degree, $S substance; `inverts` applies to $S. */
static const governor phrases[] = {
    {"$A", false},         {"$A", false},          {"a $A $T", false},
    {"this $A $T", false}, {"full of $S", false},  {"without any $S", true},
    {"so much $S", false}, {"a $T without $S", true}, {"no trace of $S", true},
};
static const governor clauses[] = {
    {"the $T is $A", false},        {"the $T feels $A", false}, {"the $T is $A", false},
    {"it is a $A $T", false},       {"the $T has $S", false},   {"the $T lacks $S", true},
    {"the $T is full of $S", false}, {"there is no $S in the $T", true},
    {"i found the $T $A", false},   {"the $T is without $S", true},
};

/* $Y decides the label; $X and the substance $S have the opposite polarity. */
static const char *const contrasts[] = {
    "$X , but $Y", "although $X , $Y", "$Y , even though $X", "$X at first , but $Y in the end",
    "for all its $S , $Y", "$Y despite its $S", "$X , yet $Y", "while $X , $Y",
};

/* $X and $Y have the same polarity. */
static const char *const agreements[] = {"$X and $Y", "$X , and $Y", "$X -lrb- and $Y -rrb-"};

static bc_sample_text judgement(bc_dice *dice, const governor *pattern, bool positive)
{
    const governor *degree = BC_PICK(dice, degrees);
    bc_sample_text adjective = {0}, text = {0};
    bc_add_words(&adjective, degree->words);
    bc_add_words(&adjective, *BC_PICK(dice, qualities[positive != degree->inverts]));
    bc_slots slots = {.BC_SLOT('A') = adjective.bytes};
    slots.BC_SLOT('S') = *BC_PICK(dice, substances[positive != pattern->inverts]);
    slots.BC_SLOT('T') = *BC_PICK(dice, topics);
    bc_add_pattern(&text, pattern->words, &slots);
    return text;
}

static bc_sample_text clause(bc_dice *dice, bool positive)
{
    return judgement(dice, BC_PICK(dice, clauses), positive);
}

static void combine(bc_dice *dice, const char *pattern, bool positive, bool other, bc_sample_text *text)
{
    const bc_sample_text x = clause(dice, other), y = clause(dice, positive);
    const bc_slots slots = {
        .BC_SLOT('X') = x.bytes,
        .BC_SLOT('Y') = y.bytes,
        .BC_SLOT('S') = *BC_PICK(dice, substances[other]),
    };
    bc_add_pattern(text, pattern, &slots);
}

/* Percentages of the forms. Sentences of dev and test are longer than the phrases of the training file. */
typedef struct mixture {
    uint32_t phrase, clause, contrast; /* the rest are agreements */
} mixture;

void bc_grammar_sst2(bc_dice *dice, bc_sample *sample)
{
    const mixture mix = sample->variant == BC_PHRASES ? (mixture){30, 30, 28} : (mixture){0, 50, 36};
    const bool positive = bc_chance(dice, 55);
    uint32_t kind = bc_roll(dice, 100);
    bc_sample_text *text = &sample->a;
    sample->label = positive;
    if (kind < mix.phrase)
        *text = judgement(dice, BC_PICK(dice, phrases), positive);
    else if (kind < mix.phrase + mix.clause)
        *text = clause(dice, positive);
    else if (kind < mix.phrase + mix.clause + mix.contrast)
        combine(dice, *BC_PICK(dice, contrasts), positive, !positive, text);
    else
        combine(dice, *BC_PICK(dice, agreements), positive, positive, text);
    if (sample->variant == BC_SENTENCES) bc_add_words(text, ".");
    bc_finish_text(text, 0);
}
