/* Users' own tasks: task files, columns by their usual names, kinds and labels that are found, the dev share. */
#include <math.h>

#include "bertc/own_task.h"
#include "tasks/scan.h"
#include "unit/classes.h"
#include "unit/tasks_help.h"

/* A folder, and the last notices. */
typedef struct place {
    char folder[64];
    char notices[512];
} place;

static void note(void *user, const char *line)
{
    place *p = user;
    size_t used = strlen(p->notices);
    snprintf(p->notices + used, sizeof p->notices - used, "%s\n", strstr(line, "bertc-tasks-") ? strchr(strstr(line, "bertc-tasks-"), '/') + 1 : line);
}

static int set_up(void **state)
{
    static place p;
    p = (place){0};
    make_folder(p.folder);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    remove_folder(((place *)*state)->folder);
    return 0;
}

static bertc_status open_named(place *p, const char *name, const bertc_task **task, bertc_error *err)
{
    char path[128];
    const bertc_notify notify = {note, p};
    p->notices[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    return bertc_task_open(path, NULL, NULL, true, &notify, task, err);
}

/* Write the task file t.json and open it for training. */
static const bertc_task *open_good(place *p, const char *json)
{
    const bertc_task *task;
    bertc_error err = {0};
    put_file(p->folder, "t.json", json);
    bertc_status status = open_named(p, "t.json", &task, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    return task;
}

/* The message after the name of the folder. */
static void refuse(place *p, const char *json, bertc_status expected, const char *message)
{
    const bertc_task *task;
    bertc_error err = {0};
    put_file(p->folder, "t.json", json);
    bertc_status status = open_named(p, "t.json", &task, &err);
    assert_null(task);
    const char *found = strncmp(err.message, p->folder, strlen(p->folder)) == 0 ? err.message + strlen(p->folder) + 1
                                                                                : err.message;
    assert_string_equal(found, message);
    assert_int_equal(status, expected);
}

static bertc_dataset *read_good(const bertc_task *task, bertc_split split)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    bertc_status status = bertc_dataset_read(task, NULL, split, 0, &set, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    return set;
}

static void labels_are_found(void **state)
{
    place *p = *state;
    put_file(p->folder, "train.csv", "id,Text ,LABEL\n7,\"a, b\",pos\n8,\"c\nd\",neg\n9,e,pos\n10,f,neg\n");
    put_file(p->folder, "dev.jsonl", "{\"text\":\"x\",\"label\":\"pos\",\"id\":4}\n");
    const bertc_task *task = open_good(p, "{\"train\":\"train.csv\",\"dev\":\"dev.jsonl\"}");
    assert_string_equal(p->notices,
                        "train.csv: classification of 2 classes; texts in column \"text\", labels in \"label\"\n");
    assert_string_equal(task->name, "t");
    assert_int_equal(task->kind, BERTC_CLASSIFICATION);
    assert_int_equal(task->num_labels, 2);
    assert_string_equal(task->labels[0], "neg");
    assert_string_equal(task->labels[1], "pos");
    assert_false(task->pair);
    assert_int_equal(task->num_metrics, 2);
    assert_int_equal(task->metrics[0], BERTC_ACCURACY);
    bertc_dataset *set = read_good(task, BERTC_TRAIN);
    assert_int_equal(set->count, 4);
    assert_text(set->examples[0].a, set->examples[0].na, "a, b");
    assert_text(set->examples[1].a, set->examples[1].na, "c\nd");
    assert_text(set->examples[1].index, set->examples[1].nindex, "8");
    assert_int_equal(bc_example_class(&set->examples[0]), 1);
    assert_int_equal(bc_example_class(&set->examples[1]), 0);
    bertc_dataset_free(set);
    set = read_good(task, BERTC_DEV);
    assert_int_equal(set->count, 1);
    assert_int_equal(bc_example_class(&set->examples[0]), 1);
    bertc_dataset_free(set);
    bertc_error err = {0};
    assert_int_equal(bertc_dataset_read(task, NULL, BERTC_TEST, 0, &set, &err), BERTC_USAGE);
    assert_string_equal(err.message, "task t has no test split");
    bertc_task_close(task);
}

/* Numbers are sorted by their values, and a number that is not whole makes a regression. */
static void kinds_are_found(void **state)
{
    place *p = *state;
    put_file(p->folder, "a.csv", "text,rating\na,10\nb,9\nc,-1\nd,10\n");
    const bertc_task *task = open_good(p, "{\"train\":\"a.csv\",\"dev_share\":0}");
    assert_int_equal(task->kind, BERTC_CLASSIFICATION);
    assert_int_equal(task->num_labels, 3);
    assert_string_equal(task->labels[0], "-1");
    assert_string_equal(task->labels[1], "9");
    assert_string_equal(task->labels[2], "10");
    assert_null(task->splits[BERTC_DEV].file);
    bertc_dataset *set = read_good(task, BERTC_TRAIN);
    assert_true(set->labelled);
    bertc_dataset_free(set);
    bertc_task_close(task);
    put_file(p->folder, "a.csv", "text,rating\na,10\nb,9.5\nc,-1\nd,1e1\n");
    task = open_good(p, "{\"train\":\"a.csv\",\"dev_share\":0}");
    assert_int_equal(task->kind, BERTC_REGRESSION);
    set = read_good(task, BERTC_TRAIN);
    assert_true(set->labelled && set->examples[2].value == -1 && set->examples[1].value == 9.5f);
    bertc_dataset_free(set);
    bertc_task_close(task);
    task = open_good(p, "{\"train\":\"a.csv\",\"dev_share\":0,\"kind\":\"classification\"}");
    assert_int_equal(task->num_labels, 4);
    assert_string_equal(task->labels[2], "1e1"); /* by bytes: -1, 10, 1e1, 9.5 */
    bertc_task_close(task);
    put_file(p->folder, "a.csv", "text,rating\na,10\nb,inf\nc,1.5\n");
    task = open_good(p, "{\"train\":\"a.csv\",\"dev_share\":0}");
    assert_int_equal(task->num_labels, 3);
    bertc_task_close(task);
}

static void columns_are_found(void **state)
{
    place *p = *state;
    static const struct {
        const char *header, *text, *pair, *label, *message;
    } cases[] = {
        {"sentence,label", "sentence", NULL, "label", NULL},
        {"title,text,label", "text", NULL, "label", NULL},
        {"Tweet,Sentiment", "tweet", NULL, "sentiment", NULL},
        {"idx,sentence2,sentence1,label", "sentence1", "sentence2", "label", NULL},
        {"question,sentence,label", "question", "sentence", "label", NULL},
        {"review,label,labels", NULL, NULL, NULL, "both \"label\" and \"labels\" may be the labels; label_column"},
        {"title,body,label", NULL, NULL, NULL, "both \"title\" and \"body\" may be the texts; text_column"},
        {"premise,hypothesis,text,label", NULL, NULL, NULL,
         "both \"text\" and \"premise\", \"hypothesis\" may be the texts; text_column"},
        {"premise,hypothesis,text1,text2,label", NULL, NULL, NULL,
         "both \"text1\", \"text2\" and \"premise\", \"hypothesis\" may be the texts; text_column"},
        {"text,a", NULL, NULL, NULL, "no column has a usual name of labels, such as \"label\" (is there a header?); label_column"},
        {"a,label", NULL, NULL, NULL, "no column has a usual name of texts, such as \"text\" (is there a header?); text_column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char table[128], message[256], list[128] = "";
        const bertc_task *task;
        snprintf(table, sizeof table, "%s\n", cases[i].header);
        for (int row = 0; row < 2; row++) {
            for (const char *c = cases[i].header; *c; c++)
                if (*c == ',') snprintf(table + strlen(table), sizeof table - strlen(table), "%d,", row);
            snprintf(table + strlen(table), sizeof table - strlen(table), "%d\n", row);
        }
        put_file(p->folder, "c.csv", table);
        if (!cases[i].message) {
            task = open_good(p, "{\"train\":\"c.csv\",\"dev_share\":0}");
            const bertc_columns *c = &task->splits[BERTC_TRAIN];
            assert_string_equal(c->a_name, cases[i].text);
            assert_string_equal(c->label_name, cases[i].label);
            assert_int_equal(task->pair, cases[i].pair != NULL);
            if (cases[i].pair) assert_string_equal(c->b_name, cases[i].pair);
            bertc_task_close(task);
            continue;
        }
        for (const char *c = cases[i].header, *next; *c; c = next + (*next == ',')) {
            next = c + strcspn(c, ",");
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s\"%.*s\"", *list ? ", " : "", (int)(next - c), c);
        }
        snprintf(message, sizeof message, "c.csv:1: %s can be one of its columns %s", cases[i].message, list);
        refuse(p, "{\"train\":\"c.csv\"}", BERTC_INPUT, message);
    }
    put_file(p->folder, "c.csv", "a,b,c\n1,2,3\n4,5,6\n");
    const bertc_task *task =
        open_good(p, "{\"train\":\"c.csv\",\"dev_share\":0,\"text_column\":\"B\",\"pair_column\":\"a\",\"label_column\":\"c\"}");
    bertc_dataset *set = read_good(task, BERTC_TRAIN);
    assert_text(set->examples[1].a, set->examples[1].na, "5");
    assert_text(set->examples[1].b, set->examples[1].nb, "4");
    bertc_dataset_free(set);
    bertc_task_close(task);
    refuse(p, "{\"train\":\"c.csv\",\"text_column\":\"d\"}", BERTC_INPUT,
           "c.csv:1: no column \"d\"; text_column can be one of its columns \"a\", \"b\", \"c\"");
}

static void files_without_a_header(void **state)
{
    place *p = *state;
    put_file(p->folder, "n.tsv", "good \"film\tpos\t1\nbad\tneg\t2\n");
    for (int named = 0; named < 2; named++) {
        const bertc_task *task = open_good(
            p, named ? "{\"train\":\"n.tsv\",\"header\":[\"text\",\"label\",\"id\"],\"dev_share\":0}"
                     : "{\"train\":\"n.tsv\",\"header\":false,\"text_column\":1,\"label_column\":\"2\",\"dev_share\":0}");
        bertc_dataset *set = read_good(task, BERTC_TRAIN);
        assert_int_equal(set->count, 2);
        assert_text(set->examples[0].a, set->examples[0].na, "good \"film");
        assert_int_equal(bc_example_class(&set->examples[0]), 1);
        bertc_dataset_free(set);
        bertc_task_close(task);
    }
    refuse(p, "{\"train\":\"n.tsv\",\"header\":false}", BERTC_INPUT,
           "n.tsv: the files have no header, so text_column must state the number of a column, from 1");
    refuse(p, "{\"train\":\"n.tsv\",\"header\":false,\"text_column\":\"0\",\"label_column\":2}", BERTC_INPUT,
           "n.tsv: text_column \"0\" is not the number of a column, from 1; the files have no header");
    refuse(p, "{\"train\":\"n.tsv\",\"header\":false,\"text_column\":1,\"label_column\":4}", BERTC_INPUT,
           "n.tsv:1: 3 columns, there is no column 4");
    refuse(p, "{\"train\":\"n.tsv\",\"header\":false,\"text_column\":1,\"label_column\":1}", BERTC_USAGE,
           "t.json: column \"1\" has two uses");
    refuse(p, "{\"train\":\"n.tsv\",\"header\":[\"text\",\"label\"]}", BERTC_INPUT, "n.tsv:1: 3 columns, expected 2");
    put_file(p->folder, "n.jsonl", "{}\n");
    refuse(p, "{\"train\":\"n.jsonl\",\"header\":false}", BERTC_USAGE, "n.jsonl: the keys of JSON lines are the header");
    put_file(p->folder, "q.tsv", "text\tlabel\n\"a\tb\"\t1\nc\t2\n");
    const bertc_task *task = open_good(p, "{\"train\":\"q.tsv\",\"quotes\":true,\"dev_share\":0}");
    bertc_dataset *set = read_good(task, BERTC_TRAIN);
    assert_text(set->examples[0].a, set->examples[0].na, "a\tb");
    bertc_dataset_free(set);
    bertc_task_close(task);
}

static void bad_descriptions_are_refused(void **state)
{
    place *p = *state;
    static const struct {
        const char *json;
        bertc_status status;
        const char *message;
    } cases[] = {
        {"[]", BERTC_INPUT, "t.json: not a task file, which is a JSON object"},
        {"{\"trian\":1}", BERTC_INPUT, "t.json: unknown key \"trian\", did you mean \"train\"?"},
        {"{\"train\":1}", BERTC_INPUT, "t.json: \"train\" is not the path of a table"},
        {"{\"train\":\"a.csv\",\"train\":\"a.csv\"}", BERTC_INPUT, "t.json @17: duplicate key"},
        {"{\"labels\":[\"a\"]}", BERTC_INPUT, "t.json: \"labels\" is not a list of at least two different names"},
        {"{\"labels\":[\"a\",\"b\",\"a\"]}", BERTC_INPUT, "t.json: \"labels\" has \"a\" twice"},
        {"{\"labels\":[\"a\",{}]}", BERTC_INPUT, "t.json: \"labels\" is not a list of at least two different names"},
        {"{\"kind\":\"ranking\"}", BERTC_INPUT, "t.json: \"kind\" is not classification or regression or multilabel"},
        {"{\"metrics\":[\"acuracy\"]}", BERTC_INPUT, "t.json: there is no metric \"acuracy\", did you mean \"accuracy\"?"},
        {"{\"metrics\":[]}", BERTC_INPUT, "t.json: \"metrics\" is not a list of metrics"},
        {"{\"metrics\":[\"f1\",\"f1\"]}", BERTC_INPUT, "t.json: \"metrics\" has \"f1\" twice"},
        {"{\"dev_share\":0.95}", BERTC_INPUT, "t.json: \"dev_share\" is not a number from 0 to 0.9"},
        {"{\"max_length\":2.5}", BERTC_INPUT, "t.json: \"max_length\" is not a whole number from 3 to 1000000"},
        {"{\"quotes\":\"on\"}", BERTC_INPUT, "t.json: \"quotes\" is not true or false"},
        {"{\"name\":\"a b\"}", BERTC_INPUT,
         "t.json: the name \"a b\" is not 1 to 64 letters, digits, - and _; state another \"name\""},
        {"{\"name\":\"sst2\"}", BERTC_INPUT, "t.json: the name \"sst2\" has another meaning; state another \"name\""},
        {"{\"train\":\"a.csv\",\"dev\":\"b.csv\",\"dev_share\":0.1}", BERTC_USAGE,
         "t.json: dev_share has no effect with a dev file"},
        {"{\"train\":\"a.csv\",\"quotes\":true}", BERTC_USAGE, "t.json: quotes has no effect without a .tsv file"},
        {"{\"train\":\"a.csv\",\"kind\":\"regression\",\"labels\":[1,2]}", BERTC_USAGE,
         "t.json: a regression has no labels"},
        {"{\"train\":\"a.csv\",\"kind\":\"regression\",\"metrics\":[\"accuracy\"],\"dev_share\":0}", BERTC_INPUT,
         "t.json: the metric accuracy does not fit a regression"},
        {"{}", BERTC_INPUT, "t.json: there is no train table"},
        {"{\"train\":\"no.csv\"}", BERTC_INPUT, "no.csv: cannot open: No such file or directory"},
        {"{\"train\":\"t.json\"}", BERTC_INPUT,
         "t.json:1: no column has a usual name of texts, such as \"text\" (is there a header?); text_column can be one of "
         "its columns \"train\""},
        {"{\"train\":\"one.csv\"}", BERTC_INPUT, "one.csv: every label is \"x\", a classification needs at least two"},
        {"{\"train\":\"few.csv\"}", BERTC_INPUT,
         "few.csv: too few different texts with the same label for a dev share; give a dev file, or a dev "
         "share of 0, or the kind regression if the labels are values"},
        {"{\"train\":\"empty.csv\"}", BERTC_INPUT, "empty.csv:3: the label is empty"},
        {"{\"train\":\"long.csv\"}", BERTC_INPUT, "long.csv:2: the label has a control character"},
        {"{\"train\":\"null.jsonl\"}", BERTC_INPUT, "null.jsonl:2: the label is absent"},
        {"{\"train\":\"none.csv\"}", BERTC_INPUT, "none.csv: no rows after the header"},
        {"{\"train\":\"a.txt\"}", BERTC_INPUT,
         "a.txt: the name does not state the format of the table: .csv, .tsv, .jsonl or .json, maybe followed by .gz"},
        {"{\"train\":\"a.parquet\"}", BERTC_INPUT,
         "a.parquet: a Parquet file (pandas.read_parquet(FILE).to_csv(OUT, index=False) makes a table of it), not a table "
         "of text (CSV, TSV or JSON lines)"},
    };
    put_file(p->folder, "a.csv", "text,label\na,1\nb,2\n");
    put_file(p->folder, "b.csv", "text,label\na,1\nb,2\n");
    put_file(p->folder, "one.csv", "text,label\na,x\nb,x\n");
    put_file(p->folder, "few.csv", "text,label\na,x\na,x\nb,y\nb,y\n");
    put_file(p->folder, "empty.csv", "text,label\na,x\nb,\n");
    put_file(p->folder, "long.csv", "text,label\na,\"x\ny\"\n");
    put_file(p->folder, "null.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"a\",\"label\":null}\n");
    put_file(p->folder, "none.csv", "text,label\n");
    put_file(p->folder, "a.txt", "text\n");
    put_file(p->folder, "a.parquet", "PAR1\x15\x04");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(p, cases[i].json, cases[i].status, cases[i].message);
}

/* ---- The dev share ------------------------------------------------------------------------- */

enum { ROWS = 1000 };

/* Write ROWS rows of three classes, of which two rows are equal, in an order. */
static void put_rows(place *p, int step)
{
    char *text = malloc(ROWS * 32), *at = text;
    assert_non_null(text);
    at += sprintf(at, "text,label\n");
    for (int i = 0; i < ROWS; i++) {
        int row = i * step % ROWS;
        at += sprintf(at, "text %d,%s\n", row / 2 * 2, row % 10 < 6 ? "a" : row % 10 < 8 ? "b" : "c");
    }
    put_file(p->folder, "train.csv", text);
    free(text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Collect the sorted texts of a split, and the rows of each class. */
static char **texts_of(const bertc_task *task, bertc_split split, size_t *count, size_t classes[3])
{
    bertc_dataset *set = read_good(task, split);
    char **texts = malloc((set->count + 1) * sizeof *texts);
    assert_non_null(texts);
    memset(classes, 0, 3 * sizeof *classes);
    for (size_t i = 0; i < set->count; i++) {
        texts[i] = bc_strndup(set->examples[i].a, set->examples[i].na);
        classes[bc_example_class(&set->examples[i])]++;
    }
    qsort(texts, set->count, sizeof *texts, by_text);
    *count = set->count;
    bertc_dataset_free(set);
    return texts;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) bc_free(texts[i]);
    free(texts);
}

static void the_dev_share(void **state)
{
    place *p = *state;
    char **first = NULL;
    size_t first_count = 0;
    static const struct {
        int step;
        const char *json;
    } cases[] = {{1, "{\"train\":\"train.csv\"}"},
                 {7, "{\"train\":\"train.csv\",\"dev_share\":0.1}"},                            /* another order of rows */
                 {1, "{\"train\":\"train.csv\",\"labels\":[\"c\",\"b\",\"a\"]}"}};               /* and of labels */
    for (size_t i = 0; i < 3; i++) {
        put_rows(p, cases[i].step);
        const bertc_task *task = open_good(p, cases[i].json);
        assert_non_null(strstr(p->notices, "train.csv: 100 of 1000 rows, chosen by their texts, are the dev split\n"));
        size_t dev_count, train_count, dev[3], train[3];
        char **texts = texts_of(task, BERTC_DEV, &dev_count, dev);
        char **others = texts_of(task, BERTC_TRAIN, &train_count, train);
        assert_int_equal(dev_count, 100);
        assert_int_equal(train_count, 900);
        assert_int_equal(dev[i == 2 ? 2 : 0], 60); /* in proportion: 600, 200, 200 */
        assert_int_equal(dev[1], 20);
        for (size_t k = 0; k < dev_count; k++) assert_null(bsearch(&texts[k], others, train_count, sizeof *texts, by_text));
        if (i == 0) {
            first = texts;
            first_count = dev_count;
        } else
            for (size_t k = 0; k < dev_count; k++) assert_string_equal(texts[k], first[k]);
        free_texts(others, train_count);
        if (i > 0) free_texts(texts, dev_count);
        char *json = NULL; /* the same from a written task file, without labels, and with a limit */
        bertc_error err = {0};
        assert_int_equal(bertc_task_json(task, 0, true, &json, NULL), BERTC_OK);
        bertc_task_close(task);
        put_file(p->folder, "again.json", json);
        bc_free(json);
        char path[128];
        snprintf(path, sizeof path, "%s/again.json", p->folder);
        assert_int_equal(bertc_task_open(path, NULL, NULL, false, NULL, &task, &err), BERTC_OK);
        bertc_dataset *set;
        assert_int_equal(bertc_dataset_read_texts(task, NULL, BERTC_DEV, 30, &set, NULL), BERTC_OK);
        assert_int_equal(set->count, 30);
        assert_false(set->labelled);
        assert_int_equal(set->examples[0].num_labels, 0);
        bertc_dataset_free(set);
        bertc_task_close(task);
    }
    free_texts(first, first_count);
}

/* A class whose texts are all equal stays in the training data, and the share of a regression is one stratum. */
static void odd_shares(void **state)
{
    place *p = *state;
    size_t count, classes[3];
    put_file(p->folder, "train.csv", "text,label\nsame,x\nsame,x\na,y\nb,y\nc,y\nd,y\n");
    const bertc_task *task = open_good(p, "{\"train\":\"train.csv\",\"dev_share\":0.5}");
    char **texts = texts_of(task, BERTC_DEV, &count, classes);
    free_texts(texts, count);
    assert_int_equal(classes[0], 0);
    assert_int_equal(classes[1], 2);
    bertc_task_close(task);
    put_file(p->folder, "train.csv", "text,label\na,x\nb,x\nc,y\nd,y\ne,y\nf,z\ng,z\nh,z\ni,z\nj,z\n");
    task = open_good(p, "{\"train\":\"train.csv\"}"); /* 0.2, 0.3 and 0.5 rows: one row of the last class */
    texts = texts_of(task, BERTC_DEV, &count, classes);
    free_texts(texts, count);
    assert_int_equal(count, 1);
    assert_int_equal(classes[2], 1);
    bertc_task_close(task);
    put_file(p->folder, "train.csv", "text,label\na,1.5\nb,2\nc,3\nd,4\n");
    task = open_good(p, "{\"train\":\"train.csv\",\"dev_share\":0.5}");
    bertc_dataset *train = read_good(task, BERTC_TRAIN), *dev = read_good(task, BERTC_DEV);
    assert_int_equal(train->count, 2);
    assert_int_equal(dev->count, 2);
    bertc_dataset_free(train);
    bertc_dataset_free(dev);
    bertc_task_close(task);
}

/* ---- Folders, and other data --------------------------------------------------------------- */

static void folders_are_searched(void **state)
{
    place *p = *state;
    const bertc_task *task;
    bertc_error err = {0};
    char path[128];
    put_file(p->folder, "d/train.tsv", "text\tlabel\n\"a\t1\nb\t2\n");
    put_file(p->folder, "d/validation.csv", "text,label\na,1\n");
    put_file(p->folder, "d/test.jsonl", "{\"text\":\"a\",\"label\":-1}\n");
    snprintf(path, sizeof path, "%s/d", p->folder);
    assert_int_equal(bertc_task_open("custom", path, NULL, true, NULL, &task, &err), BERTC_OK);
    assert_true(bertc_task_has_files(task));
    assert_false(bertc_task_states_files(task));
    bertc_dataset *set = read_good(task, BERTC_TRAIN);
    assert_text(set->examples[0].a, set->examples[0].na, "\"a");
    bertc_dataset_free(set);
    set = read_good(task, BERTC_DEV);
    assert_true(set->labelled);
    bertc_dataset_free(set);
    set = read_good(task, BERTC_TEST);
    assert_false(set->labelled);
    bertc_dataset_free(set);
    put_file(p->folder, "other.csv", "text,label\nx,2\ny,1\n"); /* another table in place of a split */
    snprintf(path, sizeof path, "%s/other.csv", p->folder);
    assert_int_equal(bertc_dataset_read(task, path, BERTC_DEV, 0, &set, &err), BERTC_OK);
    assert_int_equal(set->count, 2);
    bertc_dataset_free(set);
    put_file(p->folder, "other.csv", "text,label\nx,2\ny,3\n");
    assert_int_equal(bertc_dataset_read(task, path, BERTC_DEV, 0, &set, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "other.csv:3: label \"3\" is not one of 1, 2"));
    bertc_task_close(task);
    put_file(p->folder, "d/dev.csv", "text,label\na,1\n");
    snprintf(path, sizeof path, "%s/d", p->folder);
    err = (bertc_error){0};
    assert_int_equal(bertc_task_open("custom", path, NULL, true, NULL, &task, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "d/dev.csv: the same folder has the table validation.csv too; keep one of them"));
}

/* ---- Task files ---------------------------------------------------------------------------- */

/* What is written reads back as the same task. */
static void files_are_written(void **state)
{
    place *p = *state;
    put_file(p->folder, "a b.csv", "name,kind\nx,\"q\"\"1\"\ny,z\n");
    const bertc_task *task = open_good(
        p, "{\"name\":\"my-task\",\"title\":\"a title\",\"train\":\"a b.csv\",\"text_column\":\"name\",\"label_column\":\"kind\","
           "\"labels\":[\"z\",\"q\\\"1\",17],\"metrics\":[\"f1_macro\",\"loss\"],\"max_length\":40,\"dev_share\":0}");
    char *json = NULL, *again = NULL, *whole = realpath(p->folder, NULL), expected[512];
    assert_int_equal(bertc_task_max_length(task), 40);
    assert_int_equal(bertc_task_json(task, 50, true, &json, NULL), BERTC_OK);
    bertc_task_close(task);
    snprintf(expected, sizeof expected,
             "{\"name\":\"my-task\",\n \"title\":\"a title\",\n \"train\":\"%s/a b.csv\",\n \"dev_share\":0,\n "
             "\"text_column\":\"name\",\n \"label_column\":\"kind\",\n \"kind\":\"classification\",\n "
             "\"labels\":[\"z\",\"q\\\"1\",\"17\"],\n \"metrics\":[\"f1_macro\",\"loss\"],\n \"max_length\":50}\n", whole);
    assert_string_equal(json, expected);
    task = open_good(p, json);
    assert_int_equal(bertc_task_json(task, 0, true, &again, NULL), BERTC_OK);
    assert_string_equal(json, again);
    bertc_task_close(task);
    bc_free(json);
    bc_free(again);
    free(whole);
    bertc_error err = {0};
    assert_int_equal(bertc_task_json(bertc_task_find("sst2"), 0, true, &json, &err), BERTC_USAGE);
    assert_null(json);
}

/* A task file that was cut or changed at any byte gives a task or one line. */
static void damage_at_every_byte(void **state)
{
    place *p = *state;
    static const char good[] = "{\"name\":\"n\",\"train\":\"a.csv\",\"header\":true,\"kind\":\"classification\",\"labels\":"
                               "[1,\"2\"],\"metrics\":[\"f1\"],\"max_length\":9,\"dev_share\":0}";
    char bad[sizeof good];
    int opened = 0;
    put_file(p->folder, "a.csv", "text,label\na,1\nb,2\n");
    for (size_t i = 0; i < sizeof good - 1; i++)
        for (int change = 0; change < 5; change++) {
            const bertc_task *task;
            bertc_error err = {0};
            strcpy(bad, good);
            bad[i] = change == 0 ? '\0' : change == 1 ? '"' : change == 2 ? (char)(good[i] ^ 1) : change == 3 ? '9' : '\xff';
            put_file(p->folder, "t.json", bad);
            bertc_status status = open_named(p, "t.json", &task, &err);
            if (status == BERTC_OK) bertc_task_close(task);
            else assert_true(err.message[0] && !strchr(err.message, '\n') && !task);
            opened += status == BERTC_OK;
        }
    assert_true(opened > 0 && opened < 5 * (int)sizeof good);
}

/* Ten thousand classes are sorted and found again. */
static void many_classes(void **state)
{
    enum { CLASSES = 10000 };
    place *p = *state;
    char *text = malloc(32 * (2 * CLASSES + 1)), *at = text;
    assert_non_null(text);
    at += sprintf(at, "text,label\n");
    for (int i = 0; i < 2 * CLASSES; i++) at += sprintf(at, "t%d,c%d\n", i, i * 7919 % CLASSES);
    put_file(p->folder, "m.csv", text);
    free(text);
    const bertc_task *task = open_good(p, "{\"train\":\"m.csv\"}");
    assert_int_equal(task->num_labels, CLASSES);
    bertc_dataset *set = read_good(task, BERTC_TRAIN);
    assert_int_equal(set->count, 18000);
    for (size_t i = 1; i < CLASSES; i++) assert_true(strcmp(task->labels[i - 1], task->labels[i]) < 0);
    bertc_dataset_free(set);
    bertc_task_close(task);
}

static void names_of_tasks(void **state)
{
    (void)state;
    const bertc_task *task;
    bertc_error err = {0};
    assert_true(bertc_task_is_own("custom") && bertc_task_is_own("a/b.json"));
    assert_false(bertc_task_is_own(".json") || bertc_task_is_own("sst2") || bertc_task_is_own(NULL));
    assert_int_equal(bertc_task_open("sst2", NULL, NULL, true, NULL, &task, NULL), BERTC_OK);
    assert_ptr_equal(task, bertc_task_find("sst2"));
    bertc_task_close(task);
    assert_int_equal(bertc_task_open("sst3", NULL, NULL, true, NULL, &task, &err), BERTC_USAGE);
    assert_string_equal(err.message, "unknown task 'sst3'");
    bertc_task_close(NULL);
}

int main(void)
{
#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PLACED(labels_are_found),     PLACED(kinds_are_found), PLACED(columns_are_found), PLACED(files_without_a_header),
        PLACED(bad_descriptions_are_refused), PLACED(the_dev_share), PLACED(odd_shares), PLACED(folders_are_searched),
        PLACED(files_are_written), PLACED(damage_at_every_byte), PLACED(many_classes), cmocka_unit_test(names_of_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
