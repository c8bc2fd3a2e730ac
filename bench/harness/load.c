/* Start: the time from before fork and exec of `bertc finetune` to the first step's line in its
 * log, which is written when the step has ended. So all that a user waits for is in it: loading
 * the program and its libraries, model, vocabulary and data, tokenising, the first use of every
 * kernel. Only what the first step does not need is left out: the process is killed then.
 *
 * 1. The log is looked at every millisecond; a figure is at most that much too large.
 * 2. A round that is not counted comes first, so files are in the page cache. */
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

static FILE *messages; /* of the last process */

/* Their last line; empty where there is none. */
static void read_last(char line[PATH])
{
    char next[PATH];
    line[0] = '\0';
    if (!messages) return;
    rewind(messages);
    while (fgets(next, sizeof next, messages)) snprintf(line, PATH, ": %.*s", (int)strcspn(next, "\n"), next);
}

/* Its inputs stay where they are, so that the command can be run by hand. */
void give_up(const char *const argv[], const char *why)
{
    char command[PATH] = "", last[PATH], all[PATH + NAME];
    for (size_t i = 0, used = 0; argv[i] && used < sizeof command; i++)
        used += (size_t)snprintf(command + used, sizeof command - used, "%s%s", i ? " " : "", argv[i]);
    read_last(last);
    snprintf(all, sizeof all, "%s%s", why, last);
    stop(BERTC_IO, command, all);
}

pid_t start(const char *const argv[])
{
    if (!messages) messages = tmpfile();
    if (messages) rewind(messages);
    if (!messages || ftruncate(fileno(messages), 0) != 0) give_up(argv, "its messages cannot be kept");
    pid_t child = fork();
    if (child < 0) give_up(argv, "cannot be started");
    if (child > 0) return child;
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, STDOUT_FILENO);
    dup2(fileno(messages), STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void run_to_end(const char *const argv[])
{
    int status;
    if (waitpid(start(argv), &status, 0) < 0 || status != 0) give_up(argv, "failed");
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void remove_folder(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- What the run is given ----------------------------------------------------------------- */

place open_place(void)
{
    place p;
    const char *temporary = getenv("TMPDIR");
    snprintf(p.root, sizeof p.root, "%s/bertc-bench-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(p.root)) stop(BERTC_IO, p.root, "cannot be made");
    snprintf(p.sample, sizeof p.sample, "%s/sample", p.root);
    snprintf(p.words, sizeof p.words, "%s/words.txt", p.root);
    snprintf(p.model, sizeof p.model, "%s/model", p.root);
    snprintf(p.out, sizeof p.out, "%s/out", p.root);
    return p;
}

/* The sample's vocabulary and as many other words as make the size of bert-base-uncased's. */
static void write_words(const place *p)
{
    char path[PATH];
    size_t size;
    snprintf(path, sizeof path, "%s/vocab.txt", p->sample);
    char *text = read_text(path, &size);
    FILE *file = fopen(p->words, "wb");
    if (!file) stop(BERTC_IO, p->words, "cannot be made");
    int words = 0;
    for (size_t i = 0; i < size; i++) words += text[i] == '\n';
    fwrite(text, 1, size, file);
    for (; words < WORDS; words++) fprintf(file, "filler%d\n", words);
    if (fclose(file) != 0) stop(BERTC_IO, p->words, "cannot be written");
    bc_free(text);
}

/* A model directory and SST-2 data, but for those that the settings name. */
void make_inputs(const place *p)
{
    char layers[NUMBER], hidden[NUMBER], heads[NUMBER];
    snprintf(layers, NUMBER, "%d", settings.layers);
    snprintf(hidden, NUMBER, "%d", settings.hidden);
    snprintf(heads, NUMBER, "%d", heads_of(settings.hidden));
    const char *generate[] = {settings.bertc, "sample", "--out", p->sample, NULL};
    const char *init[] = {settings.bertc, "init", "--layers", layers, "--hidden", hidden, "--heads",
                          heads, "--vocab", settings.vocab ? settings.vocab : p->words, "--out",
                          p->model, NULL};
    run_to_end(generate);
    write_words(p);
    if (!settings.model) run_to_end(init);
}

/* ---- The figure ---------------------------------------------------------------------------- */

/* The seconds that the first line of a log names; negative where there is no whole line yet. */
static double read_first_step(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "rb");
    bool whole = file && fgets(line, sizeof line, file) && strchr(line, '\n');
    if (file) fclose(file);
    const char *seconds = whole ? strstr(line, "\"seconds\":") : NULL;
    return seconds ? atof(seconds + strlen("\"seconds\":")) : -1;
}

/* Seconds from before the start of argv to the first line of its log; *step is the step's part. */
static double time_start(const char *const argv[], const char *out, double *step)
{
    char log[PATH];
    snprintf(log, sizeof log, "%s/log.jsonl", out);
    double began = bc_clock(), seconds;
    pid_t child = start(argv);
    for (;;) {
        *step = read_first_step(log);
        seconds = bc_clock() - began;
        if (*step >= 0) break;
        if (waitpid(child, NULL, WNOHANG) != 0) give_up(argv, "ended before its first step");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    remove_folder(out);
    return seconds;
}

void bench_load(void)
{
    place p = open_place();
    char batch[NUMBER], threads[NUMBER];
    sample whole = {0}, part = {0};
    make_inputs(&p);
    snprintf(batch, NUMBER, "%d", settings.batch_size);
    snprintf(threads, NUMBER, "%d", settings.threads);
    const char *argv[] = {settings.bertc, "finetune", "--task", "sst2", "--model",
                          settings.model ? settings.model : p.model, "--data",
                          settings.data ? settings.data : p.sample, "--out", p.out, "--batch-size",
                          batch, "--threads", threads, "--backend", settings.backend, "--precision",
                          settings.precision, NULL};
    for (int r = -1; r < settings.rounds; r++) {
        double step, seconds = time_start(argv, p.out, &step);
        if (r < 0) continue;
        add(&whole, seconds);
        add(&part, step);
    }
    remove_folder(p.root);
    bench_work work = {.batch = settings.batch_size, .lengths = settings.data ? "SST-2" : "the sample's SST-2"};
    print_figure("load: exec to first step", "s", whole, work);
    print_figure("load: the step itself", "s", part, work);
}
