#include "tasks/sample/event.h"

void bc_add_phrase(bc_sample_text *text, const bc_phrase *phrase)
{
    if (phrase->name) {
        bc_add_words(text, phrase->name->name);
        return;
    }
    if (!phrase->noun) return;
    if (phrase->determiner) bc_add_words(text, phrase->determiner);
    const bc_adjective *adjective = phrase->adjective;
    if (adjective) bc_add_words(text, phrase->use_synonym && adjective->synonym ? adjective->synonym : adjective->word);
    bc_add_words(text, bc_noun_inflect(phrase->noun, phrase->plural, phrase->use_synonym).text);
    if (phrase->place) bc_add_words(text, phrase->place->words);
}

static bc_phrase draw_agent(bc_dice *dice)
{
    if (bc_chance(dice, 50)) return (bc_phrase){.name = bc_person_name_pick(dice)};
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
    event->use_synonym[aspect] = false;
}

static const char *phrase_synonym(const bc_phrase *phrase)
{
    if (phrase->noun && phrase->noun->synonym) return phrase->noun->synonym;
    return phrase->adjective ? phrase->adjective->synonym : NULL;
}

bool bc_event_has_synonym(const bc_event *event, bc_aspect aspect)
{
    const char *synonym[BC_ASPECTS] = {
        [BC_AGENT] = phrase_synonym(&event->agent),         [BC_ACTION] = event->verb->synonym,
        [BC_OBJECT] = phrase_synonym(&event->object),       [BC_PLACE] = event->place ? event->place->synonym : NULL,
        [BC_TIME] = event->time ? event->time->synonym : NULL,
    };
    return synonym[aspect] != NULL;
}

static void add_adjunct(bc_sample_text *text, const bc_adjunct *adjunct, bool use_synonym)
{
    if (adjunct) bc_add_words(text, use_synonym && adjunct->synonym ? adjunct->synonym : adjunct->words);
}

void bc_add_event(bc_sample_text *text, const bc_event *event, unsigned voice)
{
    bc_phrase agent = event->agent, object = event->object;
    agent.use_synonym = event->use_synonym[BC_AGENT];
    object.use_synonym = event->use_synonym[BC_OBJECT];
    if (voice & BC_FRONTED && event->time) {
        add_adjunct(text, event->time, event->use_synonym[BC_TIME]);
        bc_add_words(text, ",");
    }
    bc_inflection inflection = voice & BC_PASSIVE ? BC_PARTICIPLE : BC_PAST;
    const bc_word_form verb = bc_verb_inflect(event->verb, inflection, event->use_synonym[BC_ACTION]);
    bc_add_phrase(text, voice & BC_PASSIVE ? &object : &agent);
    if (voice & BC_PASSIVE) bc_add_words(text, object.plural ? "were" : "was");
    bc_add_words(text, verb.text);
    if (voice & BC_PASSIVE && (agent.name || agent.noun)) bc_add_words(text, "by");
    bc_add_phrase(text, voice & BC_PASSIVE ? &agent : &object);
    add_adjunct(text, event->place, event->use_synonym[BC_PLACE]);
    if (!(voice & BC_FRONTED)) add_adjunct(text, event->time, event->use_synonym[BC_TIME]);
}
