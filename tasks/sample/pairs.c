/* Pairs of sentences about one event: paraphrases (MRPC), similarity (STS-B), answers (QNLI); and pairs of questions
 * (QQP). */
#include "tasks/sample/sample.h"

/* Write an event in newspaper style, with punctuation split off, sometimes as a quotation. As in the official files,
 * quotation marks are not escaped. */
static void write_news(bc_dice *dice, const bc_event *event, unsigned voice, bc_sample_text *text)
{
    static const char *const sources[] = {"officials said", "a witness said", "the paper wrote"};
    const bool quoted = bc_chance(dice, 15);
    if (quoted) bc_add_words(text, "\"");
    bc_add_event(text, event, voice);
    if (quoted) bc_add_formatted(text, ", \" %s", *BC_PICK(dice, sources));
    bc_add_words(text, ".");
    bc_finish_text(text, BC_CAPITAL);
}

/* 1: the same event in another voice and with synonyms. 0: one aspect differs. */
void bc_grammar_mrpc(bc_dice *dice, bc_sample *sample)
{
    bc_event first = bc_event_draw(dice);
    bc_event second = first;
    const unsigned voice = bc_roll(dice, BC_VOICES);
    const unsigned other_voice = (voice + 1 + bc_roll(dice, BC_VOICES - 1)) % BC_VOICES;
    sample->label = bc_chance(dice, 67);
    for (int aspect = 0; aspect < BC_ASPECTS; aspect++) second.use_synonym[aspect] = bc_chance(dice, 40);
    if (!sample->label) bc_event_change(dice, &second, bc_roll(dice, BC_ASPECTS));
    write_news(dice, &first, voice, &sample->a);
    write_news(dice, &second, other_voice, &sample->b);
}

/* 0 to 5: one point for every aspect that agrees, 0.85 if it agrees by a synonym. */
void bc_grammar_stsb(bc_dice *dice, bc_sample *sample)
{
    enum { AGREES = 1000, AGREES_BY_SYNONYM = 850 };
    bc_event first = bc_event_draw(dice);
    bc_event second = first;
    const uint32_t different = bc_roll(dice, BC_ASPECTS + 1);
    for (uint32_t left = different, aspect = 0; aspect < BC_ASPECTS; aspect++) {
        if (bc_roll(dice, BC_ASPECTS - aspect) < left) {
            bc_event_change(dice, &second, aspect);
            left--;
        } else if (bc_event_has_synonym(&second, aspect) && bc_chance(dice, 40)) {
            second.use_synonym[aspect] = true;
            sample->score += AGREES_BY_SYNONYM;
        } else {
            sample->score += AGREES;
        }
    }
    bc_add_event(&sample->a, &first, 0);
    bc_add_event(&sample->b, &second, bc_chance(dice, 25) ? BC_FRONTED : 0);
    bc_add_words(&sample->a, ".");
    bc_add_words(&sample->b, ".");
    bc_finish_text(&sample->a, BC_PROSE);
    bc_finish_text(&sample->b, BC_PROSE);
}

/* Write a question for one aspect of an event, any but the action. The question leaves out place and time. */
static void write_question(bc_sample_text *text, const bc_event *event, bc_aspect asked)
{
    static const char *const questions[BC_ASPECTS] = {
        [BC_AGENT] = "who $P $O ?",
        [BC_OBJECT] = "what did $A $B ?",
        [BC_PLACE] = "where did $A $B $O ?",
        [BC_TIME] = "when did $A $B $O ?",
    };
    const bc_word_form base = bc_verb_inflect(event->verb, BC_BASE, false);
    const bc_word_form past = bc_verb_inflect(event->verb, BC_PAST, false);
    bc_sample_text agent = {0}, object = {0};
    bc_add_phrase(&agent, &event->agent);
    bc_add_phrase(&object, &event->object);
    const bc_slots slots = {
        .BC_SLOT('A') = agent.bytes,
        .BC_SLOT('B') = base.text,
        .BC_SLOT('O') = object.bytes,
        .BC_SLOT('P') = past.text,
    };
    bc_add_pattern(text, questions[asked], &slots);
    bc_finish_text(text, BC_PROSE);
}

/* Remove an aspect from the event, so that the sentence does not answer a question for it. Returns false if the
 * sentence needs the aspect. */
static bool leave_out(bc_event *event, bc_aspect aspect, unsigned *voice)
{
    switch (aspect) {
    case BC_AGENT:
        event->agent = (bc_phrase){0};
        *voice |= BC_PASSIVE;
        return true;
    case BC_PLACE: event->place = NULL; return true;
    case BC_TIME: event->time = NULL; return true;
    default: return false;
    }
}

/* 0 entailment: the sentence answers the question. 1: it leaves the answer out, or has another agent, action or object
 * than the question. */
void bc_grammar_qnli(bc_dice *dice, bc_sample *sample)
{
    static const bc_aspect askable[] = {BC_AGENT, BC_OBJECT, BC_PLACE, BC_TIME, BC_PLACE, BC_TIME};
    bc_event event = bc_event_draw(dice);
    const bc_aspect asked = *BC_PICK(dice, askable);
    unsigned voice = bc_roll(dice, BC_VOICES);
    write_question(&sample->a, &event, asked);
    sample->label = bc_chance(dice, 50);
    if (sample->label && (bc_chance(dice, 40) || !leave_out(&event, asked, &voice))) {
        bc_aspect changed;
        do changed = bc_roll(dice, BC_OBJECT + 1);
        while (changed == asked);
        bc_event_change(dice, &event, changed);
    }
    if (asked != BC_PLACE && bc_chance(dice, 30)) event.place = NULL;
    if (asked != BC_TIME && bc_chance(dice, 30)) event.time = NULL;
    bc_add_event(&sample->b, &event, voice);
    bc_add_words(&sample->b, ".");
    bc_finish_text(&sample->b, BC_PROSE);
}

/* Questions about a person or thing ($N, or $M in the plural). Each intent has three phrasings; every sense has at
 * least two intents. */
static const struct {
    unsigned sense;
    const char *phrasings[3];
} intents[] = {
    {BC_GOODS, {"how much does a $N cost ?", "what is the price of a $N ?", "what do i have to pay for a $N ?"}},
    {BC_GOODS, {"where can i buy a $N ?", "which shop sells $M ?", "who sells $M near me ?"}},
    {BC_THING, {"what is the best $N ?", "which $N is better than all others ?", "which $N do you recommend ?"}},
    {BC_VEHICLE | BC_TOOL | BC_INSTRUMENT | BC_FURNITURE,
     {"how do i repair a $N ?", "what should i do if my $N is broken ?", "how can i mend my $N ?"}},
    {BC_BUILDING, {"how old is this $N ?", "when did they build this $N ?", "what is the age of this $N ?"}},
    {BC_PERSON, {"how can i become a $N ?", "what must i learn to work as a $N ?", "what is the way to become a $N ?"}},
    {BC_PERSON, {"how much does a $N earn ?", "what is the pay of a $N ?", "do $M earn a lot of money ?"}},
    {BC_ANIMAL, {"what should i feed my $N ?", "which food is good for $M ?", "what do $M like to eat ?"}},
    {BC_ANIMAL, {"how long do $M live ?", "what age can a $N reach ?", "when does a $N get old ?"}},
};

static void write_phrasing(bc_dice *dice, const char *pattern, const bc_noun *noun, bc_sample_text *text)
{
    const bool use_synonym = bc_chance(dice, 40);
    const bc_word_form one = bc_noun_inflect(noun, false, use_synonym), many = bc_noun_inflect(noun, true, use_synonym);
    const bc_slots slots = {.BC_SLOT('N') = one.text, .BC_SLOT('M') = many.text};
    bc_add_pattern(text, pattern, &slots);
    bc_finish_text(text, BC_PROSE);
}

/* 1: the same intent about the same thing, phrased twice. 0: another thing, or another intent. */
void bc_grammar_qqp(bc_dice *dice, bc_sample *sample)
{
    const uint32_t count = BC_COUNT(intents);
    uint32_t intent = bc_roll(dice, count), other = intent;
    const uint32_t phrasing = bc_roll(dice, 3);
    const bc_noun *noun = bc_noun_pick_leaf(dice, intents[intent].sense), *second = noun;
    sample->label = bc_chance(dice, 37);
    if (!sample->label && bc_chance(dice, 40))
        while (other == intent || !(intents[other].sense & noun->sense)) other = bc_roll(dice, count);
    else if (!sample->label)
        while (second == noun) second = bc_noun_pick_leaf(dice, intents[intent].sense);
    write_phrasing(dice, intents[intent].phrasings[phrasing], noun, &sample->a);
    write_phrasing(dice, intents[other].phrasings[(phrasing + 1 + bc_roll(dice, 2)) % 3], second, &sample->b);
}
