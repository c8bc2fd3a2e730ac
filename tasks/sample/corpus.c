/* Plain text: a paragraph keeps to one person's doings, one film, one kind of animal, or strings
 * together what the other grammars hold to be well said. */
#include "tasks/sample/sample.h"

static void add(bc_sentence *paragraph, bc_sentence *sentence)
{
    bc_polish(sentence, BC_PROSE);
    bc_say(paragraph, sentence->bytes);
}

static void tell_doings(bc_dice *dice, uint32_t sentences, bc_sentence *paragraph)
{
    const bc_phrase agent = bc_event_draw(dice).agent;
    for (uint32_t i = 0; i < sentences; i++) {
        bc_event event = bc_event_draw(dice);
        bc_sentence sentence = {0};
        event.agent = agent;
        if (bc_chance(dice, 40)) event.place = NULL;
        if (bc_chance(dice, 40)) event.time = NULL;
        bc_event_say(&sentence, &event, bc_roll(dice, BC_VOICES));
        bc_say(&sentence, ".");
        add(paragraph, &sentence);
    }
}

static void review(bc_dice *dice, uint32_t sentences, bc_sentence *paragraph)
{
    for (uint32_t i = 0; i < sentences; i++) {
        bc_sample opinion = {.flavour = BC_SENTENCES};
        bc_grammar_sst2(dice, &opinion);
        add(paragraph, &opinion.a);
    }
}

static void describe_kind(bc_dice *dice, uint32_t sentences, bc_sentence *paragraph)
{
    const bc_noun *noun = bc_noun_pick_leaf(dice, BC_ANY);
    const bc_inflected one = bc_noun_form(noun, false, false), many = bc_noun_form(noun, true, false);
    bc_sentence sentence = {0};
    bc_sayf(&sentence, noun->kind ? "every %s is a %s ." : "i have seen a %s .", one.text, noun->kind);
    add(paragraph, &sentence);
    while (sentences-- > 0) {
        static const char *const patterns[] = {
            "some $M are $A .", "the $A $N was $P .", "there is a $A $N $P .", "all $M $P are $A .",
        };
        bc_slots slots = {.BC_SLOT('M') = many.text, .BC_SLOT('N') = one.text};
        slots.BC_SLOT('A') = bc_adjective_pick(dice, noun->sense)->word;
        slots.BC_SLOT('P') = bc_place_pick(dice, BC_BOTH)->words;
        sentence = (bc_sentence){0};
        bc_fill(&sentence, *BC_PICK(dice, patterns), &slots);
        add(paragraph, &sentence);
    }
}

static void recount(bc_dice *dice, uint32_t sentences, bc_sentence *paragraph)
{
    static bc_grammar *const tellers[] = {bc_grammar_mnli, bc_grammar_wnli, bc_grammar_qnli};
    while (sentences-- > 0) {
        bc_grammar *const teller = *BC_PICK(dice, tellers);
        bc_sample sample = {.flavour = BC_BOTH};
        teller(dice, &sample);
        bc_say(paragraph, sample.a.bytes);
    }
}

void bc_grammar_corpus(bc_dice *dice, bc_sample *sample)
{
    static void (*const kinds[])(bc_dice *, uint32_t, bc_sentence *) = {
        tell_doings, review, describe_kind, recount,
    };
    const uint32_t sentences = 2 + bc_roll(dice, 4), kind = bc_roll(dice, BC_COUNT(kinds));
    kinds[kind](dice, sentences, &sample->a);
}
