/* Who did what to whom, where and when: the shape behind most sentences of the sample. */
#ifndef BC_TASKS_SAMPLE_EVENT_H
#define BC_TASKS_SAMPLE_EVENT_H

#include "tasks/sample/lexicon.h"

/* "the old doctors near the river"; a name says itself alone. `also` says synonyms. */
typedef struct bc_phrase {
    const char *determiner; /* null: none */
    const bc_adjective *adjective;
    const bc_noun *noun; /* null with name null: no phrase at all */
    const bc_adjunct *place;
    const bc_person_name *name;
    bool plural, also;
} bc_phrase;

void bc_phrase_say(bc_sentence *text, const bc_phrase *phrase);

typedef enum bc_aspect { BC_AGENT, BC_ACTION, BC_OBJECT, BC_PLACE, BC_TIME, BC_ASPECTS } bc_aspect;

typedef struct bc_event {
    bc_phrase agent, object;
    const bc_verb *verb;
    const bc_adjunct *place, *time; /* null: not said */
    bool also[BC_ASPECTS];          /* say the synonym of that aspect, where there is one */
} bc_event;

/* A transitive event with all five aspects; names and definite nouns as agents. */
bc_event bc_event_draw(bc_dice *dice);

/* Make one aspect of the event false of the old one; the others stay. */
void bc_event_change(bc_dice *dice, bc_event *event, bc_aspect aspect);

/* Whether the aspect can be said by a synonym. */
bool bc_event_has_synonym(const bc_event *event, bc_aspect aspect);

enum { BC_PASSIVE = 1, BC_FRONTED = 2, BC_VOICES = 4 };

/* "Anna bought the red car near the river on Monday", also "on Monday , the red car was bought by
 * Anna near the river". No full stop. */
void bc_event_say(bc_sentence *text, const bc_event *event, unsigned voice);

#endif
