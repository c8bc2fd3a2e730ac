/* GLUE as the tables that `datasets` of Hugging Face writes, beside the original files. */
#include <math.h>
#include <zlib.h>

#include "unit/tasks_help.h"

static bertc_dataset *read_good(const char *name, const char *data, bertc_split split)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    bertc_status status = bertc_dataset_read(task_named(name), data, split, 0, &set, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    return set;
}

/* Compare the message of a failed read with `expected`, in which '@' is the folder. */
static void read_bad(const char *name, const char *data, bertc_split split, const char *expected)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    assert_int_equal(bertc_dataset_read(task_named(name), data, split, 0, &set, &err), BERTC_INPUT);
    assert_null(set);
    char full[600];
    size_t at = 0;
    for (const char *c = expected; *c; c++)
        at += (size_t)snprintf(full + at, sizeof full - at, "%.*s", *c == '@' ? 64 : 1, *c == '@' ? data : c);
    assert_string_equal(err.message, full);
}

static void check_first(const bertc_dataset *set, const char *a, const char *b, const char *index)
{
    const bertc_example *e = &set->examples[0];
    assert_text(e->a, e->na, a);
    if (b) assert_text(e->b, e->nb, b);
    else assert_null(e->b);
    assert_text(e->index, e->nindex, index);
}

/* Every task, with numbers and with names of classes, in the order of ClassLabel. */
static void all_tasks(void **state)
{
    (void)state;
    static const struct {
        const char *task, *a, *b;
        const char *dev, *test;
        const char *labels[3];
    } tasks[] = {
        {"cola", "sentence", NULL, "cola/validation", "cola/test", {"unacceptable", "acceptable"}},
        {"sst2", "sentence", NULL, "sst2/validation", "sst2/test", {"negative", "positive"}},
        {"mrpc", "sentence1", "sentence2", "mrpc/validation", "mrpc/test", {"not_equivalent", "equivalent"}},
        {"stsb", "sentence1", "sentence2", "stsb/validation", "stsb/test", {NULL}},
        {"qqp", "question1", "question2", "qqp/validation", "qqp/test", {"not_duplicate", "duplicate"}},
        {"mnli", "premise", "hypothesis", "mnli/validation_matched", "mnli/test_matched",
         {"entailment", "neutral", "contradiction"}},
        {"mnli-mm", "premise", "hypothesis", "mnli/validation_mismatched", "mnli/test_mismatched",
         {"entailment", "neutral", "contradiction"}},
        {"qnli", "question", "sentence", "qnli/validation", "qnli/test", {"entailment", "not_entailment"}},
        {"rte", "sentence1", "sentence2", "rte/validation", "rte/test", {"entailment", "not_entailment"}},
        {"wnli", "sentence1", "sentence2", "wnli/validation", "wnli/test", {"not_entailment", "entailment"}},
        {"ax", "premise", "hypothesis", "ax/test", "ax/test", {"entailment", "neutral", "contradiction"}},
    };
    assert_int_equal(sizeof tasks / sizeof *tasks, bertc_task_count());
    for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++) {
        const bertc_task *task = task_named(tasks[t].task);
        for (int form = 0; form < 4; form++) { /* CSV, quoted TSV, JSON lines, and CSV without an index */
            char root[64], name[80], text[600], b[80] = "";
            const char *endings[] = {"csv", "tsv", "jsonl", "csv"};
            bool json = form == 2, index = form < 3;
            char separator = form == 1 ? '\t' : ',';
            size_t at = 0;
            make_folder(root);
            if (tasks[t].b) snprintf(b, sizeof b, "%s%c", tasks[t].b, separator);
            if (!json)
                at = (size_t)snprintf(text, sizeof text, "%s%c%slabel%c%s\n", tasks[t].a, separator, b, separator,
                                      index ? "idx" : "x");
            int labels = task->kind == BERTC_REGRESSION ? 1 : task->num_labels;
            for (int i = 0; i < 2 * labels; i++) {
                char label[32], quoted[40];
                if (task->kind == BERTC_REGRESSION) snprintf(label, sizeof label, "%s", i ? "5.0" : "3.799999952316284");
                else if (i < labels) snprintf(label, sizeof label, "%d", i);
                else snprintf(label, sizeof label, "%s", tasks[t].labels[i - labels]);
                bool word = label[0] > '9';
                snprintf(quoted, sizeof quoted, "%s%s%s", word ? "\"" : "", label, word ? "\"" : "");
                if (json && tasks[t].b)
                    at += (size_t)snprintf(text + at, sizeof text - at,
                                           "{\"%s\":\"a \\\"x\\\",\",\"%s\":\"b\",\"label\":%s,\"idx\":%d}\n",
                                           tasks[t].a, tasks[t].b, quoted, 7 + i);
                else if (json)
                    at += (size_t)snprintf(text + at, sizeof text - at,
                                           "{\"%s\":\"a \\\"x\\\",\",\"label\":%s,\"idx\":%d}\n", tasks[t].a, quoted,
                                           7 + i);
                else
                    at += (size_t)snprintf(text + at, sizeof text - at, "\"a \"\"x\"\",\"%c%.*s%s%c%d\n", separator,
                                           tasks[t].b ? 2 : 0, separator == ',' ? "b," : "b\t", label, separator,
                                           7 + i);
            }
            snprintf(name, sizeof name, "%s.%s", tasks[t].dev, endings[form]);
            put_file(root, name, text);
            bertc_dataset *set = read_good(tasks[t].task, root, BERTC_DEV);
            assert_int_equal(set->count, 2 * labels);
            assert_true(set->labelled);
            assert_true(index == (set->examples[0].index != NULL));
            if (index) check_first(set, "a \"x\",", tasks[t].b ? "b" : NULL, "7");
            for (int i = 0; i < 2 * labels; i++)
                if (task->kind == BERTC_REGRESSION) assert_true(set->examples[i].value == (i ? 5.0f : 3.8f));
                else assert_int_equal(bc_example_class(&set->examples[i]), i % labels);
            bertc_dataset_free(set);
            snprintf(name, sizeof name, "%s.%s", tasks[t].test, endings[form]);
            if (json)
                snprintf(text, sizeof text, "{\"%s\":\"t\",\"%s\":\"u\",\"idx\":0,\"label\":-1}\n", tasks[t].a,
                         tasks[t].b ? tasks[t].b : "x");
            else
                snprintf(text, sizeof text, "idx%c%s%c%slabel\n0%ct%c%.*s%s\n", separator, tasks[t].a, separator, b,
                         separator, separator, tasks[t].b ? 2 : 0, separator == ',' ? "u," : "u\t",
                         task->kind == BERTC_REGRESSION ? "-1.0" : "-1");
            put_file(root, name, text);
            set = read_good(tasks[t].task, root, BERTC_TEST);
            assert_int_equal(set->count, 1);
            assert_false(set->labelled);
            check_first(set, "t", tasks[t].b ? "u" : NULL, "0");
            bertc_dataset_free(set);
            bertc_dataset *texts = NULL;
            assert_int_equal(bertc_dataset_read_texts(task, root, BERTC_DEV, 0, &texts, NULL), BERTC_OK);
            assert_false(texts->labelled);
            bertc_dataset_free(texts);
            remove_folder(root);
        }
    }
}

/* Which file is read: an original file before a table, in each folder. */
static void where_tables_are(void **state)
{
    (void)state;
    char root[64], own[80], path[96];
    make_folder(root);
    put_file(root, "sst2/dev.jsonl", "{\"sentence\":\"by GLUE's name\",\"label\":1,\"idx\":0}\n");
    bertc_dataset *set = read_good("sst2", root, BERTC_DEV);
    check_first(set, "by GLUE's name", NULL, "0");
    bertc_dataset_free(set);
    put_file(root, "sst2/validation.csv", "sentence,label,idx\ntwo,1,0\n");
    read_bad("sst2", root, BERTC_DEV,
             "@/sst2/validation.csv: the same folder has the table dev.jsonl too; keep one of them");
    snprintf(path, sizeof path, "%s/sst2/dev.jsonl", root);
    assert_int_equal(unlink(path), 0);
    snprintf(own, sizeof own, "%s/sst2", root); /* the task's own folder */
    set = read_good("sst2", own, BERTC_DEV);
    check_first(set, "two", NULL, "0");
    bertc_dataset_free(set);
    put_file(root, "SST-2/validation.csv", "idx,sentence,label\n4,official folder,1\n");
    set = read_good("sst2", root, BERTC_DEV);
    check_first(set, "official folder", NULL, "4");
    bertc_dataset_free(set);
    put_file(root, "SST-2/dev.tsv", "sentence\tlabel\n\"literal\t1\n");
    set = read_good("sst2", root, BERTC_DEV);
    assert_text(set->examples[0].a, set->examples[0].na, "\"literal");
    assert_null(set->examples[0].index);
    bertc_dataset_free(set);
    remove_folder(root);
}

/* A TSV file under the name of the original is a table if its header is that of a table. */
static void tables_under_original_names(void **state)
{
    (void)state;
    char root[64];
    make_folder(root);
    put_file(root, "SST-2/train.tsv", "sentence\tlabel\tidx\n\"a\nb\"\tpositive\t3\n");
    bertc_dataset *set = read_good("sst2", root, BERTC_TRAIN);
    check_first(set, "a\nb", NULL, "3");
    bertc_dataset_free(set);
    put_file(root, "SST-2/train.tsv", "sentence\tlabel\n\"a\t1\n");
    set = read_good("sst2", root, BERTC_TRAIN);
    assert_text(set->examples[0].a, set->examples[0].na, "\"a");
    bertc_dataset_free(set);
    put_file(root, "CoLA/train.tsv", "sentence\tlabel\n\"say \"\"x\"\"\"\t1\n");
    set = read_good("cola", root, BERTC_TRAIN);
    assert_text(set->examples[0].a, set->examples[0].na, "say \"x\"");
    bertc_dataset_free(set);
    put_file(root, "MRPC/train.tsv", "sentence1\tsentence2\tlabel\n\"a\"\"\"\tb\t1\n");
    set = read_good("mrpc", root, BERTC_TRAIN);
    assert_text(set->examples[0].a, set->examples[0].na, "a\"");
    bertc_dataset_free(set);
    put_file(root, "RTE/train.tsv", "index\tsentence1\tsentence2\tlabel\n9\t\"a\tb\tentailment\n");
    set = read_good("rte", root, BERTC_TRAIN);
    check_first(set, "\"a", "b", "9");
    bertc_dataset_free(set);
    read_bad("rte", root, BERTC_DEV, "@: there is neither RTE/dev.tsv nor dev.tsv, nor rte/validation.csv (or .tsv, "
                                     ".jsonl, .json)");
    remove_folder(root);
}

static void compressed_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } files[] = {
        {"validation.csv.gz", "sentence,label,idx\ntext,1,0\n"},
        {"validation.jsonl.gz", "{\"sentence\":\"text\",\"label\":1,\"idx\":0}\n"},
        {"dev.tsv", "sentence\tlabel\tindex\ntext\t1\t0\n"}, /* an original, under a name without .gz */
        {"dev.tsv.gz", "sentence\tlabel\tindex\ntext\t1\t0\n\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char root[64], path[96];
        make_folder(root);
        snprintf(path, sizeof path, "%s/%s", root, files[i].name);
        gzFile to = gzopen(path, "wb");
        assert_non_null(to);
        assert_true(gzputs(to, files[i].text) > 0);
        assert_int_equal(gzclose(to), Z_OK);
        bertc_dataset *set = read_good("sst2", root, BERTC_DEV);
        assert_int_equal(set->count, 1);
        assert_true(set->labelled);
        check_first(set, "text", NULL, "0");
        bertc_dataset_free(set);
        remove_folder(root);
    }
}

static void errors_have_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *task, *file, *text, *message;
    } cases[] = {
        {"sst2", "sst2/validation.csv", "text,label\nx,1\n",
         "@/sst2/validation.csv:1: the header has no column \"sentence\", only \"text\", \"label\""},
        {"rte", "rte/validation.jsonl", "\n{\"premise\":\"x\",\"label\":1}\n",
         "@/rte/validation.jsonl:2: the first object has no keys \"sentence1\" and \"sentence2\", only \"premise\", "
         "\"label\""},
        {"sst2", "sst2/validation.csv", "sentence,label\n\"x\n,1\n",
         "@/sst2/validation.csv:2:1: a quote that is not closed"},
        {"sst2", "sst2/validation.csv", "sentence,label\nx,1\n\"y\nz\",1\n\nw\n",
         "@/sst2/validation.csv:6: 1 column, expected 2"},
        {"sst2", "sst2/validation.csv", "sentence,label,Sentence\nx,1,y\n",
         "@/sst2/validation.csv:1: two columns of the header are named \"Sentence\""},
        {"sst2", "sst2/validation.csv", "sentence,label\n", "@/sst2/validation.csv: no rows after the header"},
        {"mnli", "mnli/validation_matched.csv", "premise,hypothesis,label\nx,y,3\n",
         "@/mnli/validation_matched.csv:2: label \"3\" is not one of entailment, neutral, contradiction, nor a number "
         "from 0 to 2"},
        {"rte", "rte/validation.csv", "sentence1,sentence2,label\nx,y,01\n",
         "@/rte/validation.csv:2: label \"01\" is not one of entailment, not_entailment, nor a number from 0 to 1"},
        {"sst2", "sst2/validation.csv", "sentence,label\nx,1\ny,-1\nz,0\n",
         "@/sst2/validation.csv:3: label \"-1\" is not one of negative, positive, nor a number from 0 to 1"},
        {"sst2", "sst2/validation.jsonl", "{\"sentence\":null,\"label\":1}\n",
         "@/sst2/validation.jsonl:1: \"sentence\" is null or absent"},
        {"sst2", "sst2/validation.jsonl", "{\"sentence\":\"x\"}\n{\"sentence\":\"y\",\"label\":1}\n",
         "@/sst2/validation.jsonl:2: the key \"label\", which the first object lacks"},
        {"sst2", "sst2/validation.jsonl", "{\"sentence\":\"x\",\"label\":1}\n{\"sentence\":\"y\",\"label\":null}\n"
                                          "{\"sentence\":\"z\",\"label\":0}\n",
         "@/sst2/validation.jsonl:2: label \"\" is not one of negative, positive, nor a number from 0 to 1"},
        {"sst2", "sst2/validation.csv", "sentence,label,idx\nx,1,\"a\nb\"\n",
         "@/sst2/validation.csv:2: the row's index contains a TAB or a line end"},
        {"sst2", "sst2/validation-00000-of-00001.parquet", "PAR1\x15\4\x15\x10",
         "@/sst2/validation-00000-of-00001.parquet: a Parquet file (pandas.read_parquet(FILE).to_csv(OUT, index=False) "
         "makes a table of it), not a table of text (CSV, TSV or JSON lines)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char root[64];
        make_folder(root);
        put_file(root, cases[i].file, cases[i].text);
        read_bad(cases[i].task, root, BERTC_DEV, cases[i].message);
        remove_folder(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tasks),
        cmocka_unit_test(where_tables_are),
        cmocka_unit_test(tables_under_original_names),
        cmocka_unit_test(compressed_files),
        cmocka_unit_test(errors_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
