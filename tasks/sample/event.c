#include "tasks/sample/event.h"

void bc_phrase_say(bc_text *text, const bc_phrase *phrase)
{
    if (phrase->name) {
        bc_say(text, phrase->name->name);
        return;
    }
    if (!phrase->noun) return;
    if (phrase->determiner) bc_say(text, phrase->determiner);
    const bc_adjective *adjective = phrase->adjective;
    if (adjective)
        bc_say(text, phrase->also && adjective->also ? adjective->also : adjective->word);
    bc_say(text, bc_noun_form(phrase->noun, phrase->plural, phrase->also).text);
    if (phrase->place) bc_say(text, phrase->place->words);
}

static bc_phrase draw_agent(bc_dice *dice)
{
    if (bc_chance(dice, 50)) return (bc_phrase){.name = bc_name_pick(dice)};
    return (bc_phrase){.determiner = "the", .noun = bc_noun_pick_leaf(dice, BC_PERSON)};
}

static bc_phrase draw_object(bc_dice *dice, unsigned senses)
{
    bc_phrase object = {.determiner = "the", .noun = bc_noun_pick_leaf(dice, senses)};
    if (bc_chance(dice, 30)) object.adjective = bc_adjective_pick(dice, object.noun->sense);
    return object;
}

bc_event bc_event_draw(bc_dice *dice)
{
    bc_event event = {.agent = draw_agent(dice)};
    event.verb = bc_verb_pick(dice, BC_PERSON, BC_THING);
    event.object = draw_object(dice, event.verb->object & BC_THING);
    event.place = bc_place_pick(dice, BC_BOTH);
    event.time = bc_time_pick(dice, BC_BOTH);
    return event;
}

static void change_agent(bc_dice *dice, bc_event *event)
{
    bc_phrase old = event->agent;
    do event->agent = draw_agent(dice);
    while (event->agent.name == old.name && event->agent.noun == old.noun);
}

static void change_action(bc_dice *dice, bc_event *event)
{
    const bc_verb *old = event->verb;
    while (event->verb == old)
        event->verb = bc_verb_pick(dice, BC_PERSON, event->object.noun->sense);
}

static void change_object(bc_dice *dice, bc_event *event)
{
    const bc_noun *old = event->object.noun;
    while (event->object.noun == old)
        event->object = draw_object(dice, event->verb->object & BC_THING);
}

static void change_place(bc_dice *dice, bc_event *event)
{
    const bc_adjunct *old = event->place;
    while (event->place == old) event->place = bc_place_pick(dice, BC_BOTH);
}

static void change_time(bc_dice *dice, bc_event *event)
{
    const bc_adjunct *old = event->time;
    while (event->time == old) event->time = bc_time_pick(dice, BC_BOTH);
}

void bc_event_change(bc_dice *dice, bc_event *event, bc_aspect aspect)
{
    static void (*const change[BC_ASPECTS])(bc_dice *, bc_event *) = {
        [BC_AGENT] = change_agent, [BC_ACTION] = change_action, [BC_OBJECT] = change_object,
        [BC_PLACE] = change_place, [BC_TIME] = change_time,
    };
    change[aspect](dice, event);
    event->also[aspect] = false;
}

static const char *phrase_synonym(const bc_phrase *phrase)
{
    if (phrase->noun && phrase->noun->also) return phrase->noun->also;
    return phrase->adjective ? phrase->adjective->also : NULL;
}

bool bc_event_has_synonym(const bc_event *event, bc_aspect aspect)
{
    const char *synonym[BC_ASPECTS] = {
        [BC_AGENT] = phrase_synonym(&event->agent),
        [BC_ACTION] = event->verb->also,
        [BC_OBJECT] = phrase_synonym(&event->object),
        [BC_PLACE] = event->place ? event->place->also : NULL,
        [BC_TIME] = event->time ? event->time->also : NULL,
    };
    return synonym[aspect] != NULL;
}

static void say_adjunct(bc_text *text, const bc_adjunct *adjunct, bool also)
{
    if (adjunct) bc_say(text, also && adjunct->also ? adjunct->also : adjunct->words);
}

void bc_event_say(bc_text *text, const bc_event *event, unsigned voice)
{
    bc_phrase agent = event->agent, object = event->object;
    agent.also = event->also[BC_AGENT];
    object.also = event->also[BC_OBJECT];
    if (voice & BC_FRONTED && event->time) {
        say_adjunct(text, event->time, event->also[BC_TIME]);
        bc_say(text, ",");
    }
    bc_form form = voice & BC_PASSIVE ? BC_PARTICIPLE : BC_PAST;
    const bc_word verb = bc_verb_form(event->verb, form, event->also[BC_ACTION]);
    bc_phrase_say(text, voice & BC_PASSIVE ? &object : &agent);
    if (voice & BC_PASSIVE) bc_say(text, object.plural ? "were" : "was");
    bc_say(text, verb.text);
    if (voice & BC_PASSIVE && (agent.name || agent.noun)) bc_say(text, "by");
    bc_phrase_say(text, voice & BC_PASSIVE ? &agent : &object);
    say_adjunct(text, event->place, event->also[BC_PLACE]);
    if (!(voice & BC_FRONTED)) say_adjunct(text, event->time, event->also[BC_TIME]);
}
