/* Events: who did what to whom, where and when. Most sentences of the sample tell an event. */
#ifndef BC_TASKS_SAMPLE_EVENT_H
#define BC_TASKS_SAMPLE_EVENT_H

#include "tasks/sample/lexicon.h"

/* "the old doctors near the river"; a person's name has neither determiner, adjective nor place. */
typedef struct bc_phrase {
    const char *determiner; /* null: no determiner; null adjective and place mean the same */
    const bc_adjective *adjective;
    const bc_noun *noun; /* if noun and name are null, there is no phrase */
    const bc_adjunct *place;
    const bc_person_name *name;
    bool plural;
    bool use_synonym; /* use the synonyms of noun and adjective, if they have any */
} bc_phrase;

/* Append a phrase; nothing if it has neither noun nor name. */
void bc_add_phrase(bc_sample_text *text, const bc_phrase *phrase);

typedef enum bc_aspect { BC_AGENT, BC_ACTION, BC_OBJECT, BC_PLACE, BC_TIME, BC_ASPECTS } bc_aspect;

typedef struct bc_event {
    bc_phrase agent, object;
    const bc_verb *verb;
    const bc_adjunct *place, *time; /* null: the sentence has no place or time */
    bool use_synonym[BC_ASPECTS];   /* for each aspect: use the synonyms of its words, if they have any */
} bc_event;

/* Draw a transitive event with all five aspects; the agent is a person's name or a definite noun. */
bc_event bc_event_draw(bc_dice *dice);

/* Replace an aspect of the event by a different person, action, object, place or time. */
void bc_event_change(bc_dice *dice, bc_event *event, bc_aspect aspect);

/* Whether words of the aspect have a synonym. */
bool bc_event_has_synonym(const bc_event *event, bc_aspect aspect);

enum { BC_PASSIVE = 1, BC_FRONTED = 2, BC_VOICES = 4 };

/* Append an event as a sentence without a full stop: "Anna bought the red car near the river on Monday", or passive and
 * fronted "on Monday , the red car was bought by Anna near the river". */
void bc_add_event(bc_sample_text *text, const bc_event *event, unsigned voice);

#endif
