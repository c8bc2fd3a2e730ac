#include "tasks/sample/event.h"

void bc_phrase_say(bc_sentence *text, const bc_phrase *phrase)
{
    if (phrase->name) {
        bc_say(text, phrase->name->name);
        return;
    }
    if (!phrase->noun) return;
    if (phrase->determiner) bc_say(text, phrase->determiner);
    const bc_adjective *adjective = phrase->adjective;
    if (adjective) bc_say(text, phrase->also && adjective->also ? adjective->also : adjective->word);
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

void bc_event_change(bc_dice *dice, bc_event *event, bc_aspect aspect)
{
    const bc_event old = *event;
    switch (aspect) {
    case BC_AGENT:
        do event->agent = draw_agent(dice);
        while (event->agent.name == old.agent.name && event->agent.noun == old.agent.noun);
        break;
    case BC_ACTION:
        do event->verb = bc_verb_pick(dice, BC_PERSON, event->object.noun->sense);
        while (event->verb == old.verb);
        break;
    case BC_OBJECT:
        do event->object = draw_object(dice, event->verb->object & BC_THING);
        while (event->object.noun == old.object.noun);
        break;
    case BC_PLACE:
        do event->place = bc_place_pick(dice, BC_BOTH);
        while (event->place == old.place);
        break;
    default:
        do event->time = bc_time_pick(dice, BC_BOTH);
        while (event->time == old.time);
    }
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
        [BC_AGENT] = phrase_synonym(&event->agent),         [BC_ACTION] = event->verb->also,
        [BC_OBJECT] = phrase_synonym(&event->object),       [BC_PLACE] = event->place ? event->place->also : NULL,
        [BC_TIME] = event->time ? event->time->also : NULL,
    };
    return synonym[aspect] != NULL;
}

static void say_adjunct(bc_sentence *text, const bc_adjunct *adjunct, bool also)
{
    if (adjunct) bc_say(text, also && adjunct->also ? adjunct->also : adjunct->words);
}

void bc_event_say(bc_sentence *text, const bc_event *event, unsigned voice)
{
    bc_phrase agent = event->agent, object = event->object;
    agent.also = event->also[BC_AGENT];
    object.also = event->also[BC_OBJECT];
    if (voice & BC_FRONTED && event->time) {
        say_adjunct(text, event->time, event->also[BC_TIME]);
        bc_say(text, ",");
    }
    bc_form form = voice & BC_PASSIVE ? BC_PARTICIPLE : BC_PAST;
    const bc_inflected verb = bc_verb_form(event->verb, form, event->also[BC_ACTION]);
    bc_phrase_say(text, voice & BC_PASSIVE ? &object : &agent);
    if (voice & BC_PASSIVE) bc_say(text, object.plural ? "were" : "was");
    bc_say(text, verb.text);
    if (voice & BC_PASSIVE && (agent.name || agent.noun)) bc_say(text, "by");
    bc_phrase_say(text, voice & BC_PASSIVE ? &agent : &object);
    say_adjunct(text, event->place, event->also[BC_PLACE]);
    if (!(voice & BC_FRONTED)) say_adjunct(text, event->time, event->also[BC_TIME]);
}
