/* Pronoun resolution: a sentence with a pronoun, and a second sentence that replaces the pronoun by one of its two
 * possible referents. Label 1: the right referent. Label 0: the wrong referent.
 *
 * A Winograd schema has two reasons. The first reason can only be true of $A, the second only of $B. */
#include "tasks/sample/sample.h"

typedef struct schema {
    const char *event;
    const char *reasons[2][2]; /* true of $A, true of $B; two phrasings each */
    const char *a, *b;         /* null: two people */
} schema;

static const schema schemas[] = {
    {"$A could not lift $B because", {{"was too weak", "was not strong enough"},
                                      {"was too heavy", "weighed too much"}}, NULL, NULL},
    {"$A thanked $B because", {{"was grateful", "had got a gift"},
                               {"had helped", "had brought a gift"}}, NULL, NULL},
    {"$A gave $B some money because", {{"was generous", "had a lot"},
                                       {"was poor", "had none"}}, NULL, NULL},
    {"$A forgave $B because", {{"was kind", "was not angry for long"},
                               {"had apologised", "was so sorry"}}, NULL, NULL},
    {"$A did not catch $B because", {{"ran too slowly", "was tired"},
                                     {"ran too fast", "had left early"}}, NULL, NULL},
    {"$A asked $B because", {{"did not know the way", "needed to know"},
                             {"knew the way", "was an expert"}}, NULL, NULL},
    {"$A envied $B because", {{"had lost", "was jealous"}, {"had won", "was so famous"}},
     NULL, NULL},
    {"$A visited $B in hospital because", {{"was worried", "wanted to bring flowers"},
                                           {"was ill", "had broken a leg"}}, NULL, NULL},
    {"$A paid $B after", {{"had got the bill", "had checked the work"},
                          {"had painted the house", "had done the work"}}, NULL, NULL},
    {"$A could not hear $B because", {{"was deaf", "wore headphones"},
                                      {"spoke too quietly", "whispered"}}, NULL, NULL},
    {"$A did not go through $B because", {{"was too wide", "was too thick"},
                                          {"was too narrow", "was locked"}},
     "the sofa", "the door"},
    {"$A did not reach $B because", {{"was too short", "was not long enough"},
                                     {"was too high", "was too far up"}},
     "the ladder", "the window"},
    {"$A broke $B because", {{"was made of stone", "was so hard"},
                             {"was made of glass", "was so thin"}}, "the ball", "the vase"},
    {"$A hid $B because", {{"was in front", "was so large"},
                           {"was behind", "was so small"}}, "the tree", "the hut"},
};

void bc_grammar_wnli(bc_dice *dice, bc_sample *sample)
{
    static const char *const frames[] = {"$R", "$R", "yesterday $R", "i heard that $R"};
    const schema *s = BC_PICK(dice, schemas);
    const char *who[2] = {s->a, s->b}, *pronoun = "it";
    if (!s->a) {
        const bc_person_name *first = bc_person_name_pick(dice), *second;
        do second = bc_person_name_pick(dice);
        while (second == first || second->female != first->female);
        who[0] = first->name;
        who[1] = second->name;
        pronoun = first->female ? "she" : "he";
    }
    const uint32_t meant = bc_roll(dice, 2);
    const char *reason = s->reasons[meant][bc_roll(dice, 2)];
    sample->label = bc_chance(dice, 49);
    const bc_slots slots = {.BC_SLOT('A') = who[0], .BC_SLOT('B') = who[1]};
    bc_sample_text sentence = {0};
    bc_add_pattern(&sentence, s->event, &slots);
    bc_add_formatted(&sentence, "%s %s", pronoun, reason);
    bc_add_pattern(&sample->a, *BC_PICK(dice, frames), &(bc_slots){.BC_SLOT('R') = sentence.bytes});
    bc_add_formatted(&sample->b, "%s %s .", who[sample->label ? meant : 1 - meant], reason);
    bc_add_words(&sample->a, ".");
    bc_finish_text(&sample->a, BC_PROSE);
    bc_finish_text(&sample->b, BC_PROSE);
}
