/* A miniature GLUE in the official file formats.
 *
 * 1. The table `files` holds everything that is known of a file: its grammar, its number of rows, and the pattern of
 *    its rows. The pattern "%i\t%a\t%l" means index, text, label.
 * 2. An example is a function of (seed, file, index, attempt). The hash of its text decides to which split it belongs.
 *    The writer of a file draws again until an example belongs to the file's split. So train, dev and test of a task
 *    never share an example, though each file is made on its own.
 * 3. Labels are true by construction; see the grammars.
 *
 * The sample does not imitate the size or the difficulty of the official sets. Columns that no reader uses (parses, ids
 * of raters) are empty. */
#include "tasks/sample/sample.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/writer.h"
#include "bertc/task.h"
#include "tasks/sample/vocab.h"

/* A split gets the texts whose hash lies in the sixteenths [from, to) of the range of hash values. */
typedef struct share {
    unsigned from, to;
} share;

#define TRAIN {0, 12}
#define DEV {12, 14}
#define TEST {14, 16}
#define WHOLE {0, 16}

/* Codes in the pattern of a row:
 *
 *   %a %b  texts           %l  label                  %w  name of 3 labels      %v  name of 2 labels
 *   %m     "*" if label 0  %k  rule                   %s  score                 %n  labels of five raters
 *   %i     index           %o  index in four digits   %p %q  ids of the texts
 *   %/     a few rows end here, too short             %.  the last row ends here, without a newline */
typedef struct sample_file {
    const char *path;
    bc_grammar *grammar;
    unsigned variant;
    share share;
    uint32_t rows;
    const char *header; /* null: none */
    const char *row;
} sample_file;

static const char *const nli[] = {"entailment", "neutral", "contradiction"};
static const char *const entailed[] = {"entailment", "not_entailment"};

#define BOM "\xEF\xBB\xBF"
#define NOTHING "\t\t\t\t"
#define MNLI_HEADER                                                                                \
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"             \
    "sentence1_parse\tsentence2_parse\tsentence1\tsentence2"
#define MNLI_ROW(genre) "%i\t%p\t%p\t" genre NOTHING "\t%a\t%b"
#define RATERS "\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5"
#define STSB_HEADER                                                                                \
    "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2"
#define STSB_ROW "%i\tsample-events\tevents\tsample\t%o\tnone\tnone\t%a\t%b"
#define MRPC_IDS "#1 ID\t#2 ID\t#1 String\t#2 String"

static const sample_file files[] = {
    {"CoLA/train.tsv", bc_grammar_cola, 0, TRAIN, 4000, NULL, "%k\t%l\t%m\t%a"},
    {"CoLA/dev.tsv", bc_grammar_cola, 0, DEV, 600, NULL, "%k\t%l\t%m\t%a%."},
    {"CoLA/test.tsv", bc_grammar_cola, 0, TEST, 300, "index\tsentence", "%i\t%a"},
    {"SST-2/train.tsv", bc_grammar_sst2, BC_PHRASES, TRAIN, 4000, "sentence\tlabel", "%a \t%l"},
    {"SST-2/dev.tsv", bc_grammar_sst2, BC_SENTENCES, DEV, 600, "sentence\tlabel", "%a \t%l"},
    {"SST-2/test.tsv", bc_grammar_sst2, BC_SENTENCES, TEST, 300, "index\tsentence", "%i\t%a"},
    {"MRPC/train.tsv", bc_grammar_mrpc, 0, TRAIN, 1800, BOM "Quality\t" MRPC_IDS, "%l\t%p\t%q\t%a\t%b"},
    {"MRPC/dev.tsv", bc_grammar_mrpc, 0, DEV, 400, BOM "Quality\t" MRPC_IDS, "%l\t%p\t%q\t%a\t%b"},
    {"MRPC/test.tsv", bc_grammar_mrpc, 0, TEST, 300, "index\t" MRPC_IDS, "%i\t%p\t%q\t%a\t%b"},
    {"STS-B/train.tsv", bc_grammar_stsb, 0, TRAIN, 2500, STSB_HEADER "\tscore", STSB_ROW "\t%s"},
    {"STS-B/dev.tsv", bc_grammar_stsb, 0, DEV, 500, STSB_HEADER "\tscore", STSB_ROW "\t%s"},
    {"STS-B/test.tsv", bc_grammar_stsb, 0, TEST, 300, STSB_HEADER, STSB_ROW},
    {"QQP/train.tsv", bc_grammar_qqp, 0, TRAIN, 2500,
     "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", "%i\t%p\t%q\t%a%/\t%b\t%l"},
    {"QQP/dev.tsv", bc_grammar_qqp, 0, DEV, 500,
     "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", "%i\t%p\t%q\t%a\t%b\t%l"},
    {"QQP/test.tsv", bc_grammar_qqp, 0, TEST, 300, "id\tquestion1\tquestion2", "%i\t%a\t%b"},
    {"MNLI/train.tsv", bc_grammar_mnli, BC_TOWN, TRAIN, 8000, MNLI_HEADER "\tlabel1\tgold_label",
     MNLI_ROW("town") "\t%w\t%w"},
    {"MNLI/dev_matched.tsv", bc_grammar_mnli, BC_TOWN, DEV, 600,
     MNLI_HEADER RATERS "\tgold_label", MNLI_ROW("town") "\t%n\t%w"},
    {"MNLI/dev_mismatched.tsv", bc_grammar_mnli, BC_COUNTRY, DEV, 600,
     MNLI_HEADER RATERS "\tgold_label", MNLI_ROW("country") "\t%n\t%w"},
    {"MNLI/test_matched.tsv", bc_grammar_mnli, BC_TOWN, TEST, 300, MNLI_HEADER, MNLI_ROW("town")},
    {"MNLI/test_mismatched.tsv", bc_grammar_mnli, BC_COUNTRY, TEST, 300, MNLI_HEADER, MNLI_ROW("country")},
    {"QNLI/train.tsv", bc_grammar_qnli, 0, TRAIN, 2500, "index\tquestion\tsentence\tlabel", "%i\t%a\t%b\t%v"},
    {"QNLI/dev.tsv", bc_grammar_qnli, 0, DEV, 500, "index\tquestion\tsentence\tlabel", "%i\t%a\t%b\t%v"},
    {"QNLI/test.tsv", bc_grammar_qnli, 0, TEST, 300, "index\tquestion\tsentence", "%i\t%a\t%b"},
    {"RTE/train.tsv", bc_grammar_rte, BC_BOTH, TRAIN, 2000, "index\tsentence1\tsentence2\tlabel", "%i\t%a\t%b\t%v"},
    {"RTE/dev.tsv", bc_grammar_rte, BC_BOTH, DEV, 400, "index\tsentence1\tsentence2\tlabel", "%i\t%a\t%b\t%v"},
    {"RTE/test.tsv", bc_grammar_rte, BC_BOTH, TEST, 300, "index\tsentence1\tsentence2", "%i\t%a\t%b"},
    {"WNLI/train.tsv", bc_grammar_wnli, 0, TRAIN, 1000, "index\tsentence1\tsentence2\tlabel", "%i\t%a\t%b\t%l"},
    {"WNLI/dev.tsv", bc_grammar_wnli, 0, DEV, 400, "index\tsentence1\tsentence2\tlabel", "%i\t%a\t%b\t%l"},
    {"WNLI/test.tsv", bc_grammar_wnli, 0, TEST, 300, "index\tsentence1\tsentence2", "%i\t%a\t%b"},
    {"AX/diagnostic.tsv", bc_grammar_mnli, BC_BOTH, TEST, 400, "index\tsentence1\tsentence2", "%i\t%a\t%b"},
    {"corpus.txt", bc_grammar_corpus, 0, WHOLE, 4000, NULL, "%a"},
};

static uint32_t hash_letters(uint32_t hash, const bc_sample_text *text)
{
    for (size_t i = 0; i < text->length; i++) {
        const unsigned char c = (unsigned char)text->bytes[i];
        if (c >= 0x80 || isalpha(c)) hash = (hash ^ (c | 0x20u)) * 16777619u;
    }
    return (hash ^ '\t') * 16777619u;
}

/* Draw an example that belongs to the file's split. Its hash counts only letters, in any letter case, so texts that
 * differ by a full stop belong to the same split. */
static void draw(const sample_file *file, bc_dice *dice, bc_sample *sample)
{
    unsigned at;
    dice->attempt = 0;
    do {
        *sample = (bc_sample){.variant = file->variant};
        dice->rolls = 0;
        file->grammar(dice, sample);
        dice->attempt++;
        const uint32_t hash = hash_letters(hash_letters(2166136261u, &sample->a), &sample->b);
        at = (hash ^ hash >> 15) * 0x2C1B3C6Du >> 28;
    } while (at < file->share.from || at >= file->share.to);
}

/* Write the labels of five raters, of whom up to two dissent; the label has the majority. */
static void put_raters(bc_writer *writer, const bc_sample *sample, bc_dice *dice)
{
    for (uint32_t rater = 0, dissent = bc_roll(dice, 3); rater < 5; rater++) {
        const bool dissents = bc_roll(dice, 5 - rater) < dissent;
        const uint32_t shift = dissents ? 1 + bc_roll(dice, 2) : 0;
        dissent -= dissents;
        bc_writer_printf(writer, "%s%s", rater ? "\t" : "", nli[((uint32_t)sample->label + shift) % 3]);
    }
}

static void put_column(bc_writer *writer, char column, const bc_sample *sample, bc_dice *dice)
{
    switch (column) {
    case 'a': bc_writer_put(writer, sample->a.bytes, sample->a.length); break;
    case 'b': bc_writer_put(writer, sample->b.bytes, sample->b.length); break;
    case 'l': bc_writer_printf(writer, "%d", sample->label); break;
    case 'w': bc_writer_printf(writer, "%s", nli[sample->label]); break;
    case 'v': bc_writer_printf(writer, "%s", entailed[sample->label]); break;
    case 'm': bc_writer_printf(writer, "%s", sample->label ? "" : "*"); break;
    case 'k': bc_writer_printf(writer, "%s", sample->rule); break;
    case 's': bc_writer_printf(writer, "%d.%03d", sample->score / 1000, sample->score % 1000); break;
    case 'i': bc_writer_printf(writer, "%u", dice->index); break;
    case 'o': bc_writer_printf(writer, "%04u", dice->index); break;
    case 'p': bc_writer_printf(writer, "%u", 2 * dice->index + 1); break;
    case 'q': bc_writer_printf(writer, "%u", 2 * dice->index + 2); break;
    case 'n': put_raters(writer, sample, dice); break;
    default: break;
    }
}

static void put_row(bc_writer *writer, const sample_file *file, const bc_sample *sample, bc_dice *dice)
{
    const bool is_short = dice->index % 500 == 250, last = dice->index + 1 == file->rows;
    for (const char *p = file->row; *p; p++) {
        if (*p != '%') {
            bc_writer_put(writer, p, 1);
            continue;
        }
        const char column = *++p;
        if (column == '/' && is_short) break;
        if (column == '.' && last) return;
        put_column(writer, column, sample, dice);
    }
    bc_writer_put(writer, "\n", 1);
}

static void put_rows(bc_writer *writer, const sample_file *file, uint64_t seed, bc_word_counts *words)
{
    bc_dice dice = {.seed = seed, .file = (uint32_t)(file - files)};
    bc_sample sample;
    if (file->header) bc_writer_printf(writer, "%s\n", file->header);
    for (dice.index = 0; dice.index < file->rows; dice.index++) {
        draw(file, &dice, &sample);
        put_row(writer, file, &sample, &dice);
        bc_word_counts_add(words, sample.a.bytes);
        bc_word_counts_add(words, sample.b.bytes);
    }
}

static bertc_status create_parent(const char *path, bertc_error *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return BERTC_OK;
    char *folder = bc_strndup(path, (size_t)(slash - path));
    bertc_status status = folder ? bc_folder_create(folder, err) : bc_fail_memory(err);
    bc_free(folder);
    return status;
}

static bertc_status write_file(const char *dir, const sample_file *file, uint64_t seed,
                               bc_word_counts *words, bertc_error *err)
{
    bc_writer writer;
    char *path = bc_path_join(dir, file->path);
    bertc_status status = path ? create_parent(path, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_writer_open(&writer, path, err);
    if (status == BERTC_OK) {
        put_rows(&writer, file, seed, words);
        status = bc_writer_commit(&writer, err);
    }
    bc_free(path);
    return status;
}

bertc_status bertc_sample_write(const char *dir, uint64_t seed, bertc_error *err)
{
    if (!dir) return bc_fail_null(err, __func__, "dir");
    bc_word_counts *words = bc_calloc(1, sizeof *words);
    bertc_status status = words ? bc_folder_create(dir, err) : bc_fail_memory(err);
    for (const sample_file *file = files; status == BERTC_OK && file < files + BC_COUNT(files); file++)
        status = write_file(dir, file, seed, words, err);
    char *path = bc_path_join(dir, "vocab.txt");
    if (status == BERTC_OK) status = path ? bc_word_counts_write_vocab(words, path, err) : bc_fail_memory(err);
    bc_free(path);
    bc_free(words);
    return status;
}
