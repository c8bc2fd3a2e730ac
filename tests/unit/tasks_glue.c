/* scripts/glue.sh with a shell script in place of bertc: what it runs, skips, resumes and prints. */
#include <sys/wait.h>

#include "unit/tasks_help.h"

/* The script logs its arguments in $LOG. Its finetune stops or fails if $STOP or $FAIL is part of the run's folder; its
 * scores depend on task, learning rate and seed. */
static const char fake[] =
    "#!/bin/sh\n"
    "printf '%s\\n' \"$*\" >>\"$LOG\"\n"
    "command=$1; shift\n"
    "while [ $# -gt 0 ]; do\n"
    "  case $1 in\n"
    "  --task) task=$2 ;; --model) model=$2 ;; --out) out=$2 ;; --unknown) exit 2 ;;\n"
    "  esac\n"
    "  shift\n"
    "done\n"
    "case $command in\n"
    "finetune)\n"
    "  mkdir -p \"$out/checkpoint\"\n"
    "  case $out in *${STOP:-@}*) exit ${CODE:-130} ;; *${FAIL:-@}*) exit 6 ;; esac\n"
    "  case $out in *${WAIT:-@}*)\n"
    "    for s in HUP INT USR1 TERM; do trap \"echo told $s >>$LOG; exit 1\" $s; done\n"
    "    kill -$WITH $PPID; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; exit 7 ;; esac\n"
    "  rm -r \"$out/checkpoint\"; echo '{}' >\"$out/run.json\" ;;\n"
    "eval)\n"
    "  case $model in *seed-1) s=1 ;; *) s=2 ;; esac\n"
    "  case $model in *lr-3e-5*) s=$((s + 4)) ;; esac\n"
    "  case $task in\n"
    "  mrpc) m='\"f1\":0.8'$s',\"accuracy\":0.7'$s ;;\n"
    "  stsb) m='\"pearson\":null, \"spearman\" : 0.5'$s ;;\n"
    "  ax) m='\"matthews\":0.1' ;;\n"
    "  mnli-mm) m='\"accuracy\":0.60' ;;\n"
    "  *) m='\"accuracy\":0.9'$s ;;\n"
    "  esac\n"
    "  printf '{\"task\":\"%s\",\"loss\":0.5,\"metrics\":{%s}}\\n' $task \"$m\" ;;\n"
    "predict)\n"
    "  printf 'index\\tprediction\\n0\\t%s\\n1\\t%s\\n' $task $model >\"$out\"\n"
    "  case $out in *${SHUFFLE:-@}*) printf '3\\t1\\n2\\t0\\n' >>\"$out\" ;; esac ;;\n"
    "esac\n";

static char root[64];

static void add_data(const char *folder, const char *names)
{
    char all[128], path[192];
    snprintf(all, sizeof all, "%s", names);
    for (char *name = strtok(all, " "); name; name = strtok(NULL, " ")) {
        snprintf(path, sizeof path, "glue/%s/%s", folder, name);
        put_file(root, path, "index\tsentence1\tsentence2\n");
    }
}

static int set_up(void **state)
{
    (void)state;
    make_folder(root);
    char path[96];
    snprintf(path, sizeof path, "%s/bertc", root);
    assert_int_equal(bc_file_write_in(&bc_working_dir, path, fake, sizeof fake - 1, NULL, NULL), BERTC_OK);
    put_file(root, "model/config.json", "{}");
    add_data("MRPC", "train.tsv dev.tsv test.tsv");
    add_data("SST-2", "train.tsv dev.tsv");
    add_data("RTE", "train.tsv");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(root);
    return 0;
}

/* Run glue.sh in the test's folder; returns its exit code. $OUT, $ERR and $LOG are files there. */
static int glue(const char *environment, const char *arguments)
{
    char command[1536], path[512];
    assert_non_null(getcwd(path, sizeof path));
    snprintf(command, sizeof command,
             "cd %s && chmod +x bertc && rm -f log && touch log && "
             "LOG=$PWD/log BERTC=$PWD/bertc %s sh %s/../scripts/glue.sh %s >stdout 2>stderr",
             root, environment, path, arguments);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char *text_of(const char *name)
{
    char path[256], *text;
    size_t length;
    snprintf(path, sizeof path, "%s/%s", root, name);
    bertc_error err = {0};
    bc_file_read(path, BC_FILE_WORDS, &text, &length, &err);
    assert_string_equal(err.message, "");
    return text;
}

static void assert_file(const char *name, const char *expected)
{
    char *text = text_of(name);
    assert_string_equal(text, expected);
    bc_free(text);
}

static bool file_exists(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return bc_file_exists(path);
}

/* The number of lines of the log that begin with `start`. */
static int logged(const char *start)
{
    char *text = text_of("log");
    int count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        count += strncmp(line, start, strlen(start)) == 0;
    bc_free(text);
    return count;
}

static void runs_everything_and_averages(void **state)
{
    (void)state;
    assert_int_equal(glue("", "model glue out --seeds '1 2' --lrs '2e-5 3e-5' --epochs 4 "
                              "-- --recipe google"), 0);
    assert_int_equal(logged("finetune"), 8);
    assert_int_equal(logged("finetune --task mrpc --model model --data glue --out "
                            "out/mrpc/lr-2e-5/seed-1 --lr 2e-5 --seed 1 --resume --epochs 4 "
                            "--recipe google"), 1);
    assert_int_equal(logged("eval"), 8);
    assert_int_equal(logged("eval --task sst2 --model out/sst2/lr-3e-5/seed-2 --data glue "
                            "--split dev --json"), 1);
    assert_file("stdout",
                "scores on dev x 100; * marks the learning rate used in the averages\n"
                "task     lr       seeds  metric       mean deviation\n"
                "mrpc     2e-5         2  f1          81.50      0.71\n"
                "mrpc     2e-5         2  accuracy    71.50      0.71\n"
                "mrpc     3e-5*        2  f1          85.50      0.71\n"
                "mrpc     3e-5*        2  accuracy    75.50      0.71\n"
                "sst2     2e-5         2  accuracy    91.50      0.71\n"
                "sst2     3e-5*        2  accuracy    95.50      0.71\n"
                "GLUE average (each task the mean of its metrics): 88.0, of 2 only (of 9; missing: "
                "wnli rte stsb cola qnli qqp mnli)\n"
                "BERT paper average (one metric each, no wnli): 90.5, of 2 only (of 9; missing: "
                "mnli mnli-mm qqp qnli cola stsb rte)\n");
    assert_file("out/submission/MRPC.tsv", "index\tprediction\n0\tmrpc\n1\tout/mrpc/lr-3e-5/seed-2\n");
    assert_false(file_exists("out/submission/SST-2.tsv"));
    assert_int_equal(glue("", "model glue out --seeds '1 2' --lrs '2e-5 3e-5' --epochs 4 "
                              "-- --recipe google"), 0);
    assert_int_equal(logged(""), 8); /* a finished run is only checked */
    assert_int_equal(logged("finetune"), 8);
}

static void nine_tasks_are_glue(void **state)
{
    (void)state;
    static const char *const folders[] = {"CoLA", "STS-B", "QQP", "QNLI", "RTE", "WNLI"};
    for (int i = 0; i < 6; i++) add_data(folders[i], "train.tsv dev.tsv test.tsv");
    add_data("SST-2", "test.tsv");
    add_data("MNLI", "train.tsv dev_matched.tsv dev_mismatched.tsv test_matched.tsv "
                     "test_mismatched.tsv");
    add_data("AX", "diagnostic.tsv");
    assert_int_equal(glue("", "model glue out --seeds 1"), 0);
    char *text = text_of("stdout");
    /* f1 .81 and accuracy .71, pearson 0 and spearman .51, mnli .91 and .60, six times .91 */
    assert_non_null(strstr(text, "\n1 undefined correlation (constant predictions) counted as 0\n"
                                 "GLUE average (each task the mean of its metrics): 80.3\n"));
    /* .91 .60 - .91 .91 - .51 .81 .91; here cola has no matthews and qqp no f1 */
    assert_non_null(strstr(text, "no wnli): 79.4, of 7 only (of 9; missing: qqp cola)\n"));
    assert_non_null(strstr(text, "\nmnli-mm  2e-5*        1  accuracy    60.00         -\n"));
    assert_null(strstr(text, "ax "));
    bc_free(text);
    assert_file("out/submission/AX.tsv", "index\tprediction\n0\tax\n1\tout/mnli/lr-2e-5/seed-1\n");
    assert_file("out/submission/MNLI-mm.tsv", "index\tprediction\n0\tmnli-mm\n1\tout/mnli/lr-2e-5/seed-1\n");
    assert_int_equal(logged("predict"), 11);
    assert_int_equal(logged("eval --task ax"), 0);
    text = text_of("stderr");
    assert_null(strstr(text, "lacks"));
    bc_free(text);
    put_file(root, "glue/AX/diagnostic.tsv", "index\tsentence1\tsentence2\tlabel\r\n");
    assert_int_equal(glue("", "model glue out --seeds 1 --tasks mnli"), 0);
    assert_int_equal(logged(""), 2);
    assert_int_equal(logged("finetune --task mnli"), 1);
    assert_int_equal(logged("eval --task ax"), 1);
    text = text_of("stdout");
    assert_non_null(strstr(text, "\nax       2e-5*        1  matthews    10.00         -\n"));
    assert_non_null(strstr(text, "metrics): 75.5, of 1 only"));
    bc_free(text);
}

static void interruption_is_resumed(void **state)
{
    (void)state;
    assert_int_equal(glue("STOP=sst2", "model glue out"), 130);
    char *text = text_of("stderr");
    assert_non_null(strstr(text, "interrupted; run the same command to continue\n"));
    bc_free(text);
    assert_false(file_exists("out/table.txt"));
    assert_int_equal(glue("", "model glue out"), 0);
    assert_int_equal(logged("finetune"), 2);
    assert_int_equal(logged("finetune --task sst2 --model model --data glue --out "
                            "out/sst2/lr-2e-5/seed-42 --lr 2e-5 --seed 42 --resume"), 1);
    assert_int_equal(logged("eval"), 1);
    assert_true(file_exists("out/table.txt"));
}

/* Each of the four exit codes ends the script; no other run begins. */
static void every_signal_stops(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int code;
    } cases[] = {{"HUP", 129}, {"INT", 130}, {"USR1", 138}, {"TERM", 143}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char environment[64];
        snprintf(environment, sizeof environment, "STOP=mrpc CODE=%d", cases[i].code);
        assert_int_equal(glue(environment, "model glue out"), cases[i].code);
        assert_int_equal(logged("finetune"), 1);
    }
}

/* The script passes a signal on to the bertc that runs. */
static void signals_are_passed_on(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int code;
    } cases[] = {{"HUP", 129}, {"INT", 130}, {"USR1", 138}, {"TERM", 143}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char environment[64], told[16];
        snprintf(environment, sizeof environment, "WAIT=mrpc WITH=%s", cases[i].name);
        snprintf(told, sizeof told, "told %s", cases[i].name);
        assert_int_equal(glue(environment, "model glue out"), cases[i].code);
        /* A script in the background ignores SIGINT; bertc does not. */
        assert_int_equal(logged(told), cases[i].code != 130);
        assert_int_equal(logged("finetune"), 1);
    }
}

static void a_failure_does_not_stop_the_others(void **state)
{
    (void)state;
    assert_int_equal(glue("FAIL=mrpc", "model glue out --seeds '1 2'"), 6);
    assert_int_equal(logged("finetune"), 4);
    assert_int_equal(logged("eval"), 2);
    char *text = text_of("stdout");
    assert_non_null(strstr(text, "\nsst2     2e-5*        2  accuracy    91.50      0.71\n"));
    assert_null(strstr(text, "mrpc  "));
    bc_free(text);
    assert_int_equal(glue("FAIL=/", "model glue none"), 6);
    text = text_of("stderr");
    assert_non_null(strstr(text, "glue.sh: no run was evaluated\n"));
    bc_free(text);
}

/* The server requires an index that counts from 0. A file with another index is not packed; after its test file is
 * repaired, the same command predicts it again. */
static void an_index_out_of_order_is_not_packed(void **state)
{
    (void)state;
    assert_int_equal(glue("SHUFFLE=MRPC", "model glue out"), 3);
    char *text = text_of("stderr");
    assert_non_null(strstr(text, "\nout/submission/MRPC.tsv:4: index \"3\", the GLUE server requires 2 here\n"
                                 "no out/submission.zip: glue/MRPC/test.tsv does not have all rows of the "
                                 "official file in their order\n"));
    bc_free(text);
    assert_false(file_exists("out/submission.zip"));
    assert_true(file_exists("out/table.txt"));
    assert_int_equal(glue("", "model glue out"), 0);
    assert_int_equal(logged("predict"), 1);
    if (system("command -v zip >/dev/null") == 0) assert_true(file_exists("out/submission.zip"));
    assert_int_equal(glue("", "model glue out"), 0);
    assert_int_equal(logged("predict"), 0);
}

static void wrong_usage_is_2(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        {"model glue", "glue.sh: needs MODEL GLUE OUT\n"},
        {"nowhere glue out", "glue.sh: nowhere: no such model directory\n"},
        {"model nowhere out", "glue.sh: nowhere: no such folder\n"},
        {"model model out", "glue.sh: model: holds no task's train and dev files\n"},
        {"model glue out --sead 1", "glue.sh: unknown option '--sead'"},
        {"model glue out --seeds", "glue.sh: --seeds needs a value\n"},
        {"model glue out --tasks 'sst2 sst'", "glue.sh: unknown task 'sst': choose from wnli rte"},
        {"model glue out --tasks ax", "glue.sh: unknown task 'ax'"},
        {"model glue out --tasks rte", "glue.sh: glue/RTE: rte needs train.tsv and dev.tsv\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(glue("", cases[i].arguments), 2);
        char *text = text_of("stderr");
        assert_memory_equal(text, cases[i].message, strlen(cases[i].message));
        bc_free(text);
        assert_int_equal(logged(""), 0);
        assert_false(file_exists("out"));
    }
    assert_int_equal(glue("", "model glue out -- --unknown"), 2);
    assert_int_equal(logged(""), 1);
    assert_int_equal(glue("", "--help"), 0);
}

static void settings_do_not_mix(void **state)
{
    (void)state;
    assert_int_equal(glue("", "model glue out --tasks sst2"), 0);
    assert_int_equal(glue("", "model glue out --tasks sst2 --epochs 4"), 2);
    char *text = text_of("stderr");
    assert_non_null(strstr(text, "glue.sh: out holds runs with other settings "
                                 "(out/settings.txt):\n"));
    assert_non_null(strstr(text, "< epochs default\n"));
    assert_non_null(strstr(text, "> epochs 4\n"));
    bc_free(text);
    assert_int_equal(glue("", "model glue out --tasks 'sst2 mrpc' --lrs 3e-5"), 0);
    assert_int_equal(logged("finetune"), 2);
}

/* Tables of `datasets` count as data, in the folder of the task's name or of the original files. */
/* A task file has its own data, and no predictions are made for it. */
static void task_files_are_tasks(void **state)
{
    (void)state;
    put_file(root, "x/tickets.json", "{}");
    assert_int_equal(glue("", "model glue out --tasks 'x/tickets.json mrpc'"), 0);
    assert_int_equal(logged("finetune --task x/tickets.json --model model --out out/tickets/lr-2e-5/seed-42 --lr 2e-5 "
                            "--seed 42 --resume"), 1);
    assert_int_equal(logged("eval --task out/tickets/lr-2e-5/seed-42/task.json --model out/tickets/lr-2e-5/seed-42 "
                            "--split dev --json"), 1);
    assert_int_equal(logged("finetune --task mrpc --model model --data glue"), 1);
    assert_int_equal(logged("predict"), 1);
    assert_int_equal(glue("", "model glue out2 --tasks no.json"), 2);
    assert_int_equal(glue("", "model glue out2 --tasks 'x/tickets.json tickets.json'"), 2);
}

static void tables_are_data(void **state)
{
    (void)state;
    static const char *const files[] = {
        "wnli/train.jsonl", "wnli/dev.jsonl.gz", "RTE/train.csv", "RTE/validation.csv", "qnli/train.csv",
        "mnli/train.csv", "mnli/validation_matched.csv", "mnli/validation_mismatched.csv", "mnli/test_matched.csv",
        "ax/test.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[80];
        snprintf(name, sizeof name, "tables/%s", files[i]);
        put_file(root, name, "");
    }
    glue("", "model tables tables_out");
    assert_int_equal(logged("finetune"), 3);
    assert_int_equal(logged("finetune --task qnli"), 0);
    assert_int_equal(logged("eval"), 4);
    assert_int_equal(logged("predict"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_everything_and_averages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nine_tasks_are_glue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interruption_is_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_signal_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signals_are_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_does_not_stop_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_index_out_of_order_is_not_packed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_usage_is_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_do_not_mix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(task_files_are_tasks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_are_data, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
