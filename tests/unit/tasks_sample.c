/* The sample: its bytes depend only on the seed, its files have the official formats, and its labels are true. */
#include "tasks/sample/nli.h"
#include "unit/tasks_help.h"

#include "bertc/tokenizer.h"

static char root[64];

static char *read_sample(const char *folder, const char *name, size_t *length)
{
    char *path = bc_path_join(folder, name), *text = NULL;
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, length, NULL), BERTC_OK);
    bc_free(path);
    return text;
}

static const struct {
    const char *name, *header; /* header null: no header */
    size_t columns;
} files[] = {
    {"CoLA/train.tsv", NULL, 4},
    {"CoLA/dev.tsv", NULL, 4},
    {"CoLA/test.tsv", "index\tsentence", 2},
    {"SST-2/train.tsv", "sentence\tlabel", 2},
    {"SST-2/dev.tsv", "sentence\tlabel", 2},
    {"SST-2/test.tsv", "index\tsentence", 2},
    {"MRPC/train.tsv", "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String", 5},
    {"MRPC/dev.tsv", "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String", 5},
    {"MRPC/test.tsv", "index\t#1 ID\t#2 ID\t#1 String\t#2 String", 5},
    {"STS-B/train.tsv", "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore", 10},
    {"STS-B/dev.tsv", "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore", 10},
    {"STS-B/test.tsv", "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2", 9},
    {"QQP/train.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", 6},
    {"QQP/dev.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", 6},
    {"QQP/test.tsv", "id\tquestion1\tquestion2", 3},
    {"MNLI/train.tsv",
     "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
     "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label", 12},
    {"MNLI/dev_matched.tsv",
     "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
     "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\t"
     "label5\tgold_label", 16},
    {"MNLI/dev_mismatched.tsv",
     "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
     "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\t"
     "label5\tgold_label", 16},
    {"MNLI/test_matched.tsv",
     "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
     "sentence1_parse\tsentence2_parse\tsentence1\tsentence2", 10},
    {"MNLI/test_mismatched.tsv",
     "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
     "sentence1_parse\tsentence2_parse\tsentence1\tsentence2", 10},
    {"QNLI/train.tsv", "index\tquestion\tsentence\tlabel", 4},
    {"QNLI/dev.tsv", "index\tquestion\tsentence\tlabel", 4},
    {"QNLI/test.tsv", "index\tquestion\tsentence", 3},
    {"RTE/train.tsv", "index\tsentence1\tsentence2\tlabel", 4},
    {"RTE/dev.tsv", "index\tsentence1\tsentence2\tlabel", 4},
    {"RTE/test.tsv", "index\tsentence1\tsentence2", 3},
    {"WNLI/train.tsv", "index\tsentence1\tsentence2\tlabel", 4},
    {"WNLI/dev.tsv", "index\tsentence1\tsentence2\tlabel", 4},
    {"WNLI/test.tsv", "index\tsentence1\tsentence2", 3},
    {"AX/diagnostic.tsv", "index\tsentence1\tsentence2", 3},
    {"corpus.txt", NULL, 1},
    {"vocab.txt", NULL, 1},
};
#define FILES (sizeof files / sizeof *files)

static int write_once(void **state)
{
    (void)state;
    bertc_error err = {0};
    make_folder(root);
    bertc_sample_write(root, 1, &err);
    assert_string_equal(err.message, "");
    return 0;
}

static int remove_it(void **state)
{
    (void)state;
    remove_folder(root);
    return 0;
}

static size_t count_equal_files(uint64_t seed)
{
    char other[64];
    size_t equal = 0;
    make_folder(other);
    assert_int_equal(bertc_sample_write(other, seed, NULL), BERTC_OK);
    for (size_t i = 0; i < FILES; i++) {
        size_t na, nb;
        char *a = read_sample(root, files[i].name, &na);
        char *b = read_sample(other, files[i].name, &nb);
        equal += na == nb && memcmp(a, b, na) == 0;
        bc_free(a);
        bc_free(b);
    }
    remove_folder(other);
    return equal;
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(count_equal_files(1), FILES);
}

/* The same number on every machine and with every compiler; a change of the sample changes it. */
static void bytes_are_these(void **state)
{
    (void)state;
    uint64_t fnv1a = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < FILES; i++) {
        size_t length;
        char *text = read_sample(root, files[i].name, &length);
        for (size_t k = 0; k < length; k++) fnv1a = (fnv1a ^ (unsigned char)text[k]) * UINT64_C(0x100000001B3);
        bc_free(text);
    }
    assert_int_equal(fnv1a, UINT64_C(0x73AF4D771F358585));
}

static void other_seed_other_bytes(void **state)
{
    (void)state;
    assert_int_equal(count_equal_files(2), 0);
    assert_int_equal(count_equal_files(1 + (UINT64_C(1) << 32)), 0);
}

static size_t columns_of(const char *line, size_t length)
{
    size_t columns = 1;
    for (size_t i = 0; i < length; i++) columns += line[i] == '\t';
    return columns;
}

/* Every row has the official columns, except for the short rows of QQP. */
static void columns_are_the_official_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        size_t length, torn = 0, rows = 0;
        char *text = read_sample(root, files[i].name, &length), *line = text;
        if (files[i].header) {
            assert_memory_equal(text, files[i].header, strlen(files[i].header));
            line += strlen(files[i].header) + 1;
            assert_int_equal(line[-1], '\n');
        }
        for (; *line; rows++) {
            size_t n = strcspn(line, "\n");
            torn += columns_of(line, n) != files[i].columns;
            line += n + (line[n] == '\n');
        }
        assert_int_equal(torn, strcmp(files[i].name, "QQP/train.tsv") == 0 ? 5 : 0);
        assert_true(rows >= 300);
        assert_int_equal(text[length - 1] == '\n', strcmp(files[i].name, "CoLA/dev.tsv") != 0);
        bc_free(text);
    }
}

static bertc_dataset *read_set(const char *task, bertc_split split)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    bertc_dataset_read(task_named(task), root, split, 0, &set, &err);
    assert_string_equal(err.message, "");
    assert_non_null(set);
    return set;
}

static const struct {
    const char *task;
    size_t rows[BERTC_SPLITS];
    double min; /* smallest share of a class in train and dev */
} expected[] = {
    {"cola", {4000, 600, 300}, 0.30},    {"sst2", {4000, 600, 300}, 0.38}, {"mrpc", {1800, 400, 300}, 0.25},
    {"stsb", {2500, 500, 300}, 0},       {"qqp", {2495, 500, 300}, 0.30},  {"mnli", {8000, 600, 300}, 0.28},
    {"mnli-mm", {8000, 600, 300}, 0.28}, {"qnli", {2500, 500, 300}, 0.42}, {"rte", {2000, 400, 300}, 0.40},
    {"wnli", {1000, 400, 300}, 0.42},
};
#define TASKS (sizeof expected / sizeof *expected)

static void check_labels(const bertc_dataset *set, double min)
{
    const int classes = set->task->num_labels;
    size_t counts[3] = {0};
    for (size_t i = 0; i < set->count; i++) counts[bc_example_class(&set->examples[i])]++;
    for (int c = 0; c < classes; c++) assert_true((double)counts[c] >= min * (double)set->count);
}

static void check_values(const bertc_dataset *set)
{
    size_t bins[6] = {0};
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        assert_true(e->value >= 0 && e->value <= 5);
        bins[(int)e->value]++;
    }
    for (int b = 0; b < 6; b++) assert_true(bins[b] * 20 > set->count);
}

static void counts_and_labels(void **state)
{
    (void)state;
    for (size_t t = 0; t < TASKS; t++)
        for (int split = 0; split < BERTC_SPLITS; split++) {
            bertc_dataset *set = read_set(expected[t].task, (bertc_split)split);
            assert_int_equal(set->count, expected[t].rows[split]);
            assert_int_equal(set->labelled, split != BERTC_TEST);
            if (set->labelled && set->task->kind == BERTC_REGRESSION) check_values(set);
            else if (set->labelled) check_labels(set, expected[t].min);
            bertc_dataset_free(set);
        }
    bertc_dataset *ax = read_set("ax", BERTC_TEST);
    assert_int_equal(ax->count, 400);
    assert_false(ax->labelled);
    bertc_dataset_free(ax);
}

static int compare(const char *a, size_t na, const char *b, size_t nb)
{
    int order = memcmp(a, b, na < nb ? na : nb);
    return order ? order : (na > nb) - (na < nb);
}

static int by_text(const void *x, const void *y)
{
    const bertc_example *a = x, *b = y;
    int order = compare(a->a, a->na, b->a, b->na);
    return order || !a->b ? order : compare(a->b, a->nb, b->b, b->nb);
}

static size_t shared(const bertc_dataset *in, const bertc_dataset *of)
{
    size_t found = 0;
    for (size_t i = 0; i < of->count; i++)
        found += bsearch(&of->examples[i], in->examples, in->count, sizeof *in->examples, by_text) != NULL;
    return found;
}

static void splits_share_nothing(void **state)
{
    (void)state;
    for (size_t t = 0; t < TASKS; t++) {
        bertc_dataset *set[BERTC_SPLITS];
        for (int split = 0; split < BERTC_SPLITS; split++) {
            set[split] = read_set(expected[t].task, (bertc_split)split);
            qsort(set[split]->examples, set[split]->count, sizeof *set[split]->examples, by_text);
        }
        assert_int_equal(shared(set[0], set[0]), set[0]->count);
        assert_int_equal(shared(set[0], set[1]), 0);
        assert_int_equal(shared(set[0], set[2]), 0);
        assert_int_equal(shared(set[1], set[2]), 0);
        for (int split = 0; split < BERTC_SPLITS; split++) bertc_dataset_free(set[split]);
    }
}

/* Small worlds: sets of four people as bits. holds: whether a quantified statement is true in a world. */
enum { WORLD = 16 };

static bool holds(bc_quantifier quantifier, unsigned restrictor, unsigned scope)
{
    switch (quantifier) {
    case BC_EVERY:
    case BC_IS: return (restrictor & ~scope) == 0;
    case BC_SOME: return (restrictor & scope) != 0;
    case BC_NO:
    case BC_IS_NOT: return (restrictor & scope) == 0;
    default: return (restrictor & ~scope) != 0;
    }
}

static bool related(bc_relation relation, unsigned old, unsigned new)
{
    switch (relation) {
    case BC_SAME: return old == new;
    case BC_NARROWER: return (new & ~old) == 0;
    case BC_WIDER: return (old & ~new) == 0;
    case BC_OPPOSITE: return (old & new) == 0;
    default: return true;
    }
}

static bool single(unsigned set)
{
    return (set & (set - 1)) == 0;
}

/* The label, found by trying all worlds. */
static int label_by_search(bc_quantifier p, bc_quantifier h, bc_relation restrictor, bc_relation scope)
{
    bool may_be_true = false, may_be_false = false;
    for (unsigned r = 1; r < WORLD; r++)
        for (unsigned r2 = 1; r2 < WORLD; r2++) {
            if (!related(restrictor, r, r2)) continue;
            if (p >= BC_IS && !(single(r) && single(r2))) continue;
            for (unsigned s = 0; s < WORLD; s++)
                for (unsigned s2 = 0; s2 < WORLD; s2++) {
                    if (!related(scope, s, s2) || !holds(p, r, s)) continue;
                    may_be_true |= holds(h, r2, s2);
                    may_be_false |= !holds(h, r2, s2);
                }
        }
    if (!may_be_false) return BC_ENTAILMENT;
    return may_be_true ? BC_NEUTRAL : BC_CONTRADICTION;
}

static void inference_is_sound_and_complete(void **state)
{
    (void)state;
    size_t seen[3] = {0};
    for (int p = 0; p < BC_QUANTIFIERS; p++)
        for (int h = 0; h < BC_QUANTIFIERS; h++)
            for (int r = 0; r < BC_RELATIONS; r++)
                for (int s = 0; s < BC_RELATIONS; s++) {
                    const bool person = p >= BC_IS;
                    if (person != (h >= BC_IS) || r == BC_OPPOSITE) continue;
                    if (person && r != BC_SAME && r != BC_OTHER) continue;
                    int label = bc_nli_label((bc_quantifier)p, (bc_quantifier)h, (bc_relation)r, (bc_relation)s);
                    assert_int_equal(
                        label, label_by_search((bc_quantifier)p, (bc_quantifier)h, (bc_relation)r, (bc_relation)s));
                    seen[label]++;
                }
    assert_true(seen[0] > 20 && seen[1] > 20 && seen[2] > 20);
}

static bool contains(const char *text, size_t length, const char *part)
{
    char *copy = bc_strndup(text, length);
    const bool found = strstr(copy, part) != NULL;
    bc_free(copy);
    return found;
}

/* A word with and without "not" before it has opposite labels. */
static void negation_inverts_sentiment(void **state)
{
    (void)state;
    bertc_dataset *set = read_set("sst2", BERTC_TRAIN);
    size_t pairs = 0;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        if (e->na < 6 || memcmp(e->a, "not ", 4) != 0 || memchr(e->a + 4, ' ', e->na - 5)) continue;
        for (size_t j = 0; j < set->count; j++) {
            const bertc_example *f = &set->examples[j];
            if (f->na != e->na - 4 || memcmp(f->a, e->a + 4, f->na) != 0) continue;
            assert_int_equal(bc_example_class(e), !bc_example_class(f));
            pairs++;
        }
    }
    assert_true(pairs > 10);
    bertc_dataset_free(set);
}

/* The words after "but" decide. */
static void contrast_is_decided_by_its_end(void **state)
{
    (void)state;
    static const char *const good[] = {"is moving", "is funny", "is charming", "has charm",
                                       "has wit", "has heart", "lacks noise", "lacks gloom"};
    static const char *const bad[] = {"is dull", "is clumsy", "is tedious", "has gloom",
                                      "lacks wit", "has boredom", "lacks charm", "lacks heart"};
    bertc_dataset *set = read_set("sst2", BERTC_TRAIN);
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        char *text = bc_strndup(e->a, e->na);
        const char *end = strstr(text, ", but ");
        for (size_t w = 0; end && w < 8; w++) {
            if (strstr(end, good[w])) found++, assert_int_equal(bc_example_class(e), 1);
            if (strstr(end, bad[w])) found++, assert_int_equal(bc_example_class(e), 0);
        }
        bc_free(text);
    }
    assert_true(found > 10);
    bertc_dataset_free(set);
}

static void reflexives_agree_where_acceptable(void **state)
{
    (void)state;
    static const struct {
        const char *name, *right;
    } people[] = {{"Anna ", "herself"}, {"Ben ", "himself"}, {"Emma ", "herself"},
                  {"Tom ", "himself"}, {"Zoë ", "herself"}, {"José ", "himself"}};
    bertc_dataset *set = read_set("cola", BERTC_TRAIN);
    size_t counts[2] = {0};
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        if (!contains(e->a, e->na, "self")) continue;
        const bool two = contains(e->a, e->na, " and ");
        for (size_t p = 0; p < sizeof people / sizeof *people; p++) {
            const size_t n = strlen(people[p].name);
            if (e->na < n || memcmp(e->a, people[p].name, n) != 0) continue;
            assert_int_equal(bc_example_class(e), !two && contains(e->a, e->na, people[p].right));
            counts[bc_example_class(e)]++;
        }
    }
    assert_true(counts[0] > 5 && counts[1] > 5);
    bertc_dataset_free(set);
}

static void false_determiners_are_unacceptable(void **state)
{
    (void)state;
    static const char *const broken[] = {"These dog ", "Many doctor ", "A girls ", "This boys ",
                                         "Every cats ", "Several bird ", "Many goat "};
    bertc_dataset *set = read_set("cola", BERTC_TRAIN);
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k < sizeof broken / sizeof *broken; k++)
            if (contains(set->examples[i].a, set->examples[i].na, broken[k])) {
                assert_int_equal(bc_example_class(&set->examples[i]), 0);
                found++;
            }
    assert_true(found > 0);
    bertc_dataset_free(set);
}

static void equal_sentences_score_five(void **state)
{
    (void)state;
    bertc_dataset *set = read_set("stsb", BERTC_TRAIN);
    size_t equal = 0;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        if (compare(e->a, e->na, e->b, e->nb) != 0) continue;
        assert_float_equal(e->value, 5, 0);
        equal++;
    }
    assert_true(equal > 50);
    bertc_dataset_free(set);
}

/* The lifting person may be too weak, the lifted person too heavy. */
static void pronouns_refer_as_labelled(void **state)
{
    (void)state;
    bertc_dataset *set = read_set("wnli", BERTC_TRAIN);
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        char *told = bc_strndup(e->a, e->na);
        const char *second = strstr(told, "could not lift ");
        if (second) {
            second += strlen("could not lift ");
            const size_t n = strcspn(second, " ");
            const bool names_second = e->nb > n && memcmp(e->b, second, n) == 0;
            const bool heavy = strstr(told, "too heavy") || strstr(told, "too much");
            assert_int_equal(bc_example_class(e), names_second == heavy);
            found++;
        }
        bc_free(told);
    }
    assert_true(found > 20);
    bertc_dataset_free(set);
}

/* A sentence that answers "where" contains a place. */
static void answers_contain_what_is_asked(void **state)
{
    (void)state;
    static const char *const places[] = {"kitchen", "park", "station", "library", "garden", "river",
                                         "market", "village", "forest", "hill", "harbour"};
    bertc_dataset *set = read_set("qnli", BERTC_TRAIN);
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        if (bc_example_class(e) != 0 || !contains(e->a, e->na, "Where ")) continue;
        bool place = false;
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) place |= contains(e->b, e->nb, places[p]);
        assert_true(place);
        found++;
    }
    assert_true(found > 100);
    bertc_dataset_free(set);
}

static bertc_vocab *load_vocab(void)
{
    char *path = bc_path_join(root, "vocab.txt");
    bertc_vocab *vocab = NULL;
    assert_int_equal(bertc_vocab_load(path, &vocab, NULL), BERTC_OK);
    bc_free(path);
    return vocab;
}

static size_t count_pieces(const bertc_tokenizer *tokenizer, const bertc_example *e, int32_t unknown)
{
    bertc_encoding encoding = {0};
    assert_int_equal(bertc_tokenizer_encode(tokenizer, &encoding, e->a, e->na, e->b, e->nb, 0, NULL), BERTC_OK);
    for (size_t i = 0; i < encoding.count; i++) assert_int_not_equal(encoding.ids[i], unknown);
    size_t count = encoding.count;
    bertc_encoding_clear(&encoding);
    return count;
}

static void vocabulary_covers_everything(void **state)
{
    (void)state;
    bertc_vocab *vocab = load_vocab();
    bertc_tokenizer *tokenizer = NULL;
    const bertc_tokenizer_options options = bertc_tokenizer_defaults();
    assert_int_equal(bertc_tokenizer_create(vocab, &options, &tokenizer, NULL), BERTC_OK);
    const int32_t unknown = bertc_vocab_id(vocab, "[UNK]", 5);
    for (size_t t = 0; t < TASKS; t++) {
        bertc_dataset *set = read_set(expected[t].task, BERTC_DEV);
        for (size_t i = 0; i < set->count; i++)
            assert_in_range(count_pieces(tokenizer, &set->examples[i], unknown), 3, 64);
        bertc_dataset_free(set);
    }
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
}

static bool has(const bertc_vocab *vocab, const char *word)
{
    return bertc_vocab_id(vocab, word, strlen(word)) >= 0;
}

static void vocabulary_splits_some_words(void **state)
{
    (void)state;
    bertc_vocab *vocab = load_vocab();
    assert_in_range(bertc_vocab_size(vocab), 600, 1500);
    assert_int_equal(bertc_vocab_id(vocab, "[PAD]", 5), 0);
    assert_true(has(vocab, "[UNK]") && has(vocab, "[CLS]") && has(vocab, "[SEP]"));
    assert_true(has(vocab, "[MASK]") && has(vocab, "[unused0]") && has(vocab, "##s"));
    assert_true(has(vocab, "laugh") && has(vocab, "##ed") && !has(vocab, "laughed"));
    assert_true(has(vocab, "jose") && has(vocab, "swimming") && has(vocab, "children"));
    bertc_vocab_free(vocab);
}

static void a_file_in_the_way_is_an_error(void **state)
{
    (void)state;
    char folder[64];
    bertc_error err = {0};
    make_folder(folder);
    put_file(folder, "CoLA", "in the way");
    assert_int_equal(bertc_sample_write(folder, 1, &err), BERTC_IO);
    assert_non_null(strstr(err.message, "CoLA: cannot create folder"));
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(bytes_are_these),
        cmocka_unit_test(other_seed_other_bytes),
        cmocka_unit_test(columns_are_the_official_ones),
        cmocka_unit_test(counts_and_labels),
        cmocka_unit_test(splits_share_nothing),
        cmocka_unit_test(inference_is_sound_and_complete),
        cmocka_unit_test(negation_inverts_sentiment),
        cmocka_unit_test(contrast_is_decided_by_its_end),
        cmocka_unit_test(reflexives_agree_where_acceptable),
        cmocka_unit_test(false_determiners_are_unacceptable),
        cmocka_unit_test(equal_sentences_score_five),
        cmocka_unit_test(pronouns_refer_as_labelled),
        cmocka_unit_test(answers_contain_what_is_asked),
        cmocka_unit_test(vocabulary_covers_everything),
        cmocka_unit_test(vocabulary_splits_some_words),
        cmocka_unit_test(a_file_in_the_way_is_an_error),
    };
    return cmocka_run_group_tests(tests, write_once, remove_it);
}
