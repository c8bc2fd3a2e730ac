/* The start of a run: the time from fork and exec of `bertc finetune` to the first step's line in its log, which is
 * written when the step has ended. It includes everything that a user waits for: loading the program and its libraries,
 * the model, the vocabulary and the data, tokenising, and the first use of every kernel. Then the process is killed.
 *
 * 1. The log is read every millisecond, so a result is at most one millisecond too large.
 * 2. The first round is not counted; it brings the files into the page cache. */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "harness/harness.h"

enum { WORDS = 30522 };

/* ---- Processes and folders ----------------------------------------------------------------- */

const char *number_text(char text[NUMBER], int64_t number)
{
    snprintf(text, NUMBER, "%lld", (long long)number);
    return text;
}

/* The inputs of the process are not removed, so that the command can be run by hand. */
void fail_process(const bench_folder *folder, const char *const argv[], const char *why)
{
    char command[PATH] = "", line[PATH], last[PATH] = "", all[PATH + NAME];
    for (size_t i = 0, used = 0; argv[i] && used < sizeof command; i++)
        used += (size_t)snprintf(command + used, sizeof command - used, "%s%s", i ? " " : "", argv[i]);
    rewind(folder->messages);
    while (fgets(line, sizeof line, folder->messages)) snprintf(last, PATH, ": %.*s", (int)strcspn(line, "\n"), line);
    snprintf(all, sizeof all, "%s%s", why, last);
    fail(BERTC_IO, command, all);
}

pid_t start_process(const bench_folder *folder, const char *const argv[])
{
    rewind(folder->messages);
    if (ftruncate(fileno(folder->messages), 0) != 0) fail(BERTC_IO, "temporary file", "cannot be truncated");
    pid_t child = fork();
    if (child < 0) fail_process(folder, argv, "cannot be started");
    if (child > 0) return child;
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, STDOUT_FILENO);
    dup2(fileno(folder->messages), STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void run_process(const bench_folder *folder, const char *const argv[])
{
    int status;
    if (waitpid(start_process(folder, argv), &status, 0) < 0 || status != 0) fail_process(folder, argv, "failed");
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- Inputs of a run ----------------------------------------------------------------------- */

void create_folder(bench_folder *folder)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder->root, sizeof folder->root, "%s/bertc-bench-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder->root)) fail(BERTC_IO, folder->root, "cannot be created");
    snprintf(folder->sample, sizeof folder->sample, "%s/sample", folder->root);
    snprintf(folder->vocab, sizeof folder->vocab, "%s/vocab.txt", folder->root);
    snprintf(folder->model, sizeof folder->model, "%s/model", folder->root);
    snprintf(folder->out, sizeof folder->out, "%s/out", folder->root);
    folder->messages = tmpfile();
    if (!folder->messages) fail(BERTC_IO, "temporary file", "cannot be created");
}

void remove_folder(bench_folder *folder)
{
    fclose(folder->messages);
    remove_tree(folder->root);
}

/* Write the sample's vocabulary, filled up with other words to the size of bert-base-uncased's. */
static void write_vocab(const bench_folder *folder)
{
    char path[PATH];
    size_t size;
    snprintf(path, sizeof path, "%s/vocab.txt", folder->sample);
    char *text = read_text(path, &size);
    FILE *file = fopen(folder->vocab, "wb");
    if (!file) fail(BERTC_IO, folder->vocab, "cannot be created");
    int words = 0;
    for (size_t i = 0; i < size; i++) words += text[i] == '\n';
    fwrite(text, 1, size, file);
    for (; words < WORDS; words++) fprintf(file, "filler%d\n", words);
    if (fclose(file) != 0) fail(BERTC_IO, folder->vocab, "cannot be written");
    bc_free(text);
}

/* Create SST-2 data, and a model directory unless the settings contain one. */
void make_inputs(const bench_folder *folder, const bench_settings *s)
{
    char layers[NUMBER], hidden[NUMBER], heads[NUMBER];
    const char *generate[] = {s->bertc, "sample", "--out", folder->sample, NULL};
    const char *init[] = {s->bertc, "init", "--layers", number_text(layers, s->layers), "--hidden",
                          number_text(hidden, s->hidden), "--heads", number_text(heads, heads_of(s->hidden)), "--vocab",
                          s->vocab ? s->vocab : folder->vocab, "--out", folder->model, NULL};
    run_process(folder, generate);
    write_vocab(folder);
    if (!s->model) run_process(folder, init);
}

/* ---- The benchmark ------------------------------------------------------------------------- */

/* Read the seconds in the first line of a log; return -1 if the line is not complete yet. */
static double read_first_step(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "rb");
    bool complete = file && fgets(line, sizeof line, file) && strchr(line, '\n');
    if (file) fclose(file);
    const char *seconds = complete ? strstr(line, "\"seconds\":") : NULL;
    return seconds ? atof(seconds + strlen("\"seconds\":")) : -1;
}

/* Return the seconds from the start of a process to the first line of its log. Sets *step to the step's own seconds. */
static double time_start(const bench_folder *folder, const char *const argv[], double *step)
{
    char log[PATH];
    snprintf(log, sizeof log, "%s/log.jsonl", folder->out);
    double began = bc_clock(), seconds;
    pid_t child = start_process(folder, argv);
    for (;;) {
        *step = read_first_step(log);
        seconds = bc_clock() - began;
        if (*step >= 0) break;
        if (waitpid(child, NULL, WNOHANG) != 0) fail_process(folder, argv, "ended before its first step");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    remove_tree(folder->out);
    return seconds;
}

void bench_load(const bench_settings *s)
{
    bench_folder folder;
    char batch[NUMBER], threads[NUMBER];
    sample start = {0}, first_step = {0};
    create_folder(&folder);
    make_inputs(&folder, s);
    const char *argv[] = {s->bertc, "finetune", "--task", "sst2", "--model", s->model ? s->model : folder.model,
                          "--data", s->data ? s->data : folder.sample, "--out", folder.out, "--batch-size",
                          number_text(batch, s->batch_size), "--threads", number_text(threads, s->threads),
                          "--backend", s->backend, "--precision", s->precision, NULL};
    for (int r = -1; r < s->rounds; r++) {
        double step, seconds = time_start(&folder, argv, &step);
        if (r < 0) continue;
        add(&start, seconds);
        add(&first_step, step);
    }
    remove_folder(&folder);
    bench_work work = {.batch = (int)s->batch_size, .lengths = s->data ? "SST-2" : "the sample's SST-2"};
    print_result(s, "load: exec to first step", "s", start, work);
    print_result(s, "load: the step itself", "s", first_step, work);
}
