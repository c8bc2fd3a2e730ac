/* Every way of training, in both recipes and precisions, with complete and split batches: parameters that are not
 * trained keep their bits, others change; a split batch has the same loss; a stopped run resumes to the same bits. */
#include "jobs_fixture.h"

#include <math.h>

static const char *const probes[] = {
    "bert.embeddings.word_embeddings.weight",          "bert.embeddings.LayerNorm.bias",
    "bert.encoder.layer.0.attention.self.query.weight", "bert.encoder.layer.0.attention.self.query.bias",
    "bert.encoder.layer.0.output.dense.weight",         "bert.encoder.layer.1.attention.self.query.weight",
    "bert.encoder.layer.1.output.dense.weight",         "bert.encoder.layer.1.output.dense.bias",
    "bert.pooler.dense.weight",
};
enum { PROBES = sizeof probes / sizeof *probes };

#define WAY(name, statement)                                                                       \
    static void name(bertc_train_options *o)                                                       \
    {                                                                                              \
        statement;                                                                                 \
    }

WAY(full, (void)o)
WAY(cosine, o->schedule = BERTC_SCHEDULE_COSINE; o->warmup_steps = 2)
WAY(constant, o->schedule = BERTC_SCHEDULE_CONSTANT; o->warmup_steps = 0)
WAY(embeddings, o->freeze = "embeddings")
WAY(low, o->freeze = "1")
WAY(head, o->freeze = "all")
WAY(freeze, o->freeze = "all"; o->unfreeze_schedule = "0.5:1,1:0")
WAY(each_epoch, o->freeze = "all"; o->unfreeze_schedule = "each-epoch")
WAY(biases, o->train_only = BERTC_TRAIN_BIASES)
WAY(low_biases, o->train_only = BERTC_TRAIN_BIASES; o->freeze = "1")
WAY(rates, o->layer_lr_decay = 0.5; o->head_lr = 1e-3)
WAY(anew, o->reinit_layers = 1; o->freeze = "1")
WAY(smaller, o->keep_layers = 1)
WAY(feature, o->feature_layer = 1)
WAY(lora, o->lora_rank = 2; o->lora_dropout = 0.1)
WAY(lora_all, o->lora_rank = 2; o->lora_targets = "all"; o->freeze = "1")
WAY(adapter, o->lora_rank = 2; o->lora_save = BERTC_LORA_ADAPTER)
WAY(weights, o->class_weights = "1,3"; o->label_smoothing = 0.1; o->freeze = "1")
WAY(balanced, o->class_weights = "balanced"; o->patience = 1; o->keep = BERTC_KEEP_BEST)

/* A letter for each probe: m: it changes, s: it stays, -: it is not there. An adapter is not a complete model. */
#define ROW(way, fate) {#way, fate, way}
static const struct {
    const char *name, *fate;
    void (*set)(bertc_train_options *o);
} ways[] = {
    ROW(full, "mmmmmmmmm"),     ROW(embeddings, "ssmmmmmmm"), ROW(low, "sssssmmmm"),     ROW(head, "sssssssss"),
    ROW(freeze, "ssmmmmmmm"),   ROW(each_epoch, "sssssmmmm"), ROW(biases, "smsmsssms"),  ROW(low_biases, "sssssssms"),
    ROW(rates, "mmmmmmmmm"),    ROW(anew, "sssssmmmm"),       ROW(smaller, "mmmmm---m"), ROW(feature, "sssss---m"),
    ROW(lora, "ssmssmsss"),     ROW(lora_all, "sssssmmss"),   ROW(adapter, NULL),        ROW(weights, "sssssmmmm"),
    ROW(balanced, "mmmmmmmmm"),   ROW(cosine, "mmmmmmmmm"),   ROW(constant, "mmmmmmmmm"),
};

static void check_fate(const char *way, const char *fate)
{
    bc_weights files[2];
    assert_int_equal(bc_safetensors_open("model/model.safetensors", &files[0], NULL), BERTC_OK);
    assert_int_equal(bc_safetensors_open("whole/model.safetensors", &files[1], NULL), BERTC_OK);
    for (int i = 0; i < PROBES; i++) {
        const bc_tensor *const t[2] = {bc_weights_find(&files[0], probes[i]), bc_weights_find(&files[1], probes[i])};
        char found = !t[1] ? '-' : fixture_same_bytes(t) ? 's' : 'm';
        if (found != fate[i]) fail_msg("%s: %s: %c, not %c", way, probes[i], found, fate[i]);
    }
    for (int i = 0; i < 2; i++) bc_weights_close(&files[i]);
}

/* The number in `state` selects recipe, precision and parts of a batch, one bit each. */
static void test_ways(void **state)
{
    int kind = (int)(intptr_t)*state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bertc_train_options o = fixture_options("whole");
        o.recipe = kind & 1 ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
        o.precision = kind & 2 ? BERTC_BF16 : BERTC_F32;
        ways[i].set(&o);
        double whole = fixture_run_anew(o).train_loss;
        if (kind & 4) {
            o.micro_batch_tokens = 16;
            if (fabs(fixture_run_anew(o).train_loss / whole - 1) > 1e-4)
                fail_msg("%s: another loss in parts", ways[i].name);
        }
        if (ways[i].fate) check_fate(ways[i].name, ways[i].fate);
        fixture_stop_twice(o, "whole");
    }
}

#define KIND(n) {"test_ways_" #n, test_ways, NULL, NULL, (void *)(intptr_t)(n)}

int main(void)
{
    const struct CMUnitTest tests[] = {KIND(0), KIND(1), KIND(2), KIND(3), KIND(4), KIND(5), KIND(6), KIND(7)};
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
