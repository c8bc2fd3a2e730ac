/* Plain text for pretraining. A paragraph is about one person's actions, one film or one animal or thing, or joins
 * sentences of the other grammars. */
#include "tasks/sample/sample.h"

/* Finish a sentence and append it to a paragraph. */
static void add(bc_sample_text *paragraph, bc_sample_text *sentence)
{
    bc_finish_text(sentence, BC_PROSE);
    bc_add_words(paragraph, sentence->bytes);
}

static void add_events(bc_dice *dice, uint32_t sentences, bc_sample_text *paragraph)
{
    const bc_phrase agent = bc_event_draw(dice).agent;
    for (uint32_t i = 0; i < sentences; i++) {
        bc_event event = bc_event_draw(dice);
        bc_sample_text sentence = {0};
        event.agent = agent;
        if (bc_chance(dice, 40)) event.place = NULL;
        if (bc_chance(dice, 40)) event.time = NULL;
        bc_add_event(&sentence, &event, bc_roll(dice, BC_VOICES));
        bc_add_words(&sentence, ".");
        add(paragraph, &sentence);
    }
}

static void add_opinions(bc_dice *dice, uint32_t sentences, bc_sample_text *paragraph)
{
    for (uint32_t i = 0; i < sentences; i++) {
        bc_sample opinion = {.variant = BC_SENTENCES};
        bc_grammar_sst2(dice, &opinion);
        add(paragraph, &opinion.a);
    }
}

static void add_descriptions(bc_dice *dice, uint32_t sentences, bc_sample_text *paragraph)
{
    const bc_noun *noun = bc_noun_pick_leaf(dice, BC_ANY);
    const bc_word_form one = bc_noun_inflect(noun, false, false), many = bc_noun_inflect(noun, true, false);
    bc_sample_text sentence = {0};
    bc_add_formatted(&sentence, noun->hypernym ? "every %s is a %s ." : "i have seen a %s .", one.text, noun->hypernym);
    add(paragraph, &sentence);
    while (sentences-- > 0) {
        static const char *const patterns[] = {
            "some $M are $A .", "the $A $N was $P .", "there is a $A $N $P .", "all $M $P are $A .",
        };
        bc_slots slots = {.BC_SLOT('M') = many.text, .BC_SLOT('N') = one.text};
        slots.BC_SLOT('A') = bc_adjective_pick(dice, noun->sense)->word;
        slots.BC_SLOT('P') = bc_place_pick(dice, BC_BOTH)->words;
        sentence = (bc_sample_text){0};
        bc_add_pattern(&sentence, *BC_PICK(dice, patterns), &slots);
        add(paragraph, &sentence);
    }
}

static void add_sentences_of_others(bc_dice *dice, uint32_t sentences, bc_sample_text *paragraph)
{
    static bc_grammar *const grammars[] = {bc_grammar_mnli, bc_grammar_wnli, bc_grammar_qnli};
    while (sentences-- > 0) {
        bc_grammar *const grammar = *BC_PICK(dice, grammars);
        bc_sample sample = {.variant = BC_BOTH};
        grammar(dice, &sample);
        bc_add_words(paragraph, sample.a.bytes);
    }
}

void bc_grammar_corpus(bc_dice *dice, bc_sample *sample)
{
    static void (*const kinds[])(bc_dice *, uint32_t, bc_sample_text *) = {
        add_events, add_opinions, add_descriptions, add_sentences_of_others,
    };
    const uint32_t sentences = 2 + bc_roll(dice, 4), kind = bc_roll(dice, BC_COUNT(kinds));
    kinds[kind](dice, sentences, &sample->a);
}
