/* Pairs of sentences about one event: paraphrase (MRPC), likeness (STS-B), answers (QNLI); and
 * pairs of questions (QQP). */
#include "tasks/sample/sample.h"

/* In the manner of newspapers, split from their punctuation: as it is, or said by someone. The
 * quotation marks stand bare in the file, as the official ones do. */
static void say_news(bc_dice *dice, const bc_event *event, unsigned voice, bc_sentence *text)
{
    static const char *const sources[] = {"officials said", "a witness said", "the paper wrote"};
    const bool quoted = bc_chance(dice, 15);
    if (quoted) bc_say(text, "\"");
    bc_event_say(text, event, voice);
    if (quoted) bc_sayf(text, ", \" %s", *BC_PICK(dice, sources));
    bc_say(text, ".");
    bc_polish(text, BC_CAPITAL);
}

/* 1: the same event, told in another voice and other words. 0: one aspect of it is another. */
void bc_grammar_mrpc(bc_dice *dice, bc_sample *sample)
{
    bc_event first = bc_event_draw(dice);
    bc_event second = first;
    const unsigned voice = bc_roll(dice, BC_VOICES);
    const unsigned other_voice = (voice + 1 + bc_roll(dice, BC_VOICES - 1)) % BC_VOICES;
    sample->label = bc_chance(dice, 67);
    for (int aspect = 0; aspect < BC_ASPECTS; aspect++) second.also[aspect] = bc_chance(dice, 40);
    if (!sample->label) bc_event_change(dice, &second, bc_roll(dice, BC_ASPECTS));
    say_news(dice, &first, voice, &sample->a);
    say_news(dice, &second, other_voice, &sample->b);
}

/* 0 to 5: one point for every aspect that agrees, a little less where it says so by a synonym. */
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
            second.also[aspect] = true;
            sample->score += AGREES_BY_SYNONYM;
        } else {
            sample->score += AGREES;
        }
    }
    bc_event_say(&sample->a, &first, 0);
    bc_event_say(&sample->b, &second, bc_chance(dice, 25) ? BC_FRONTED : 0);
    bc_say(&sample->a, ".");
    bc_say(&sample->b, ".");
    bc_polish(&sample->a, BC_PROSE);
    bc_polish(&sample->b, BC_PROSE);
}

/* Ask for one aspect of an event; the place and time that are not asked for stay unsaid. Of the
 * action nobody asks. */
static void ask(bc_sentence *text, const bc_event *event, bc_aspect asked)
{
    static const char *const questions[BC_ASPECTS] = {
        [BC_AGENT] = "who $P $O ?",
        [BC_OBJECT] = "what did $A $B ?",
        [BC_PLACE] = "where did $A $B $O ?",
        [BC_TIME] = "when did $A $B $O ?",
    };
    const bc_inflected base = bc_verb_form(event->verb, BC_BASE, false);
    const bc_inflected past = bc_verb_form(event->verb, BC_PAST, false);
    bc_sentence agent = {0}, object = {0};
    bc_phrase_say(&agent, &event->agent);
    bc_phrase_say(&object, &event->object);
    const bc_slots slots = {
        .BC_SLOT('A') = agent.bytes,
        .BC_SLOT('B') = base.text,
        .BC_SLOT('O') = object.bytes,
        .BC_SLOT('P') = past.text,
    };
    bc_fill(text, questions[asked], &slots);
    bc_polish(text, BC_PROSE);
}

/* Leave the aspect out of the telling, so that a question for it stays open. False where the
 * sentence cannot do without. */
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

/* 0 entailment: the sentence answers the question. 1: it leaves the answer out, or tells of
 * another agent, action or object than the one that is asked about. */
void bc_grammar_qnli(bc_dice *dice, bc_sample *sample)
{
    static const bc_aspect askable[] = {BC_AGENT, BC_OBJECT, BC_PLACE, BC_TIME, BC_PLACE, BC_TIME};
    bc_event event = bc_event_draw(dice);
    const bc_aspect asked = *BC_PICK(dice, askable);
    unsigned voice = bc_roll(dice, BC_VOICES);
    ask(&sample->a, &event, asked);
    sample->label = bc_chance(dice, 50);
    if (sample->label && (bc_chance(dice, 40) || !leave_out(&event, asked, &voice))) {
        bc_aspect changed;
        do changed = bc_roll(dice, BC_OBJECT + 1);
        while (changed == asked);
        bc_event_change(dice, &event, changed);
    }
    if (asked != BC_PLACE && bc_chance(dice, 30)) event.place = NULL;
    if (asked != BC_TIME && bc_chance(dice, 30)) event.time = NULL;
    bc_event_say(&sample->b, &event, voice);
    bc_say(&sample->b, ".");
    bc_polish(&sample->b, BC_PROSE);
}

/* What one may want to know of a thing ($N; $M several of them), each asked in three ways. For
 * every sense there are at least two intents. */
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

static void say_question(bc_dice *dice, const char *pattern, const bc_noun *noun, bc_sentence *text)
{
    const bool also = bc_chance(dice, 40);
    const bc_inflected one = bc_noun_form(noun, false, also), many = bc_noun_form(noun, true, also);
    const bc_slots slots = {.BC_SLOT('N') = one.text, .BC_SLOT('M') = many.text};
    bc_fill(text, pattern, &slots);
    bc_polish(text, BC_PROSE);
}

/* 1: one intent about one thing, asked twice. 0: another thing, or another intent. */
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
    say_question(dice, intents[intent].phrasings[phrasing], noun, &sample->a);
    say_question(dice, intents[other].phrasings[(phrasing + 1 + bc_roll(dice, 2)) % 3], second, &sample->b);
}
