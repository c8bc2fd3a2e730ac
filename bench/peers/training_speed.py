"""Compare tokens per second and peak memory of training runs of bertc and of PyTorch + transformers.

Creates a model directory with random weights of the requested shape, then runs bertc and the reference in turn,
--rounds times, over the same examples in the same order. All are whole processes. The speed excludes the first steps, in which
memory is first touched and kernels are compiled. Prints one row per program (median, minimum, maximum) and the ratio to
the first program, round by round.

The work: sst2 and mnli are batches of 32 of the task's own sentences, truncated to 128 tokens; len512 is batches of 8
texts of random words that fill 512 tokens. If MNLI has no train.tsv, dev_matched.tsv is used instead. own is --table, a CSV
of one's own with the columns text and label (own_data.py), and same-as-sst2 its texts in SST-2's form with two classes.
"""
import json
import os
import random
import tempfile
from dataclasses import dataclass

import glue
import measure
import own_data

WARM = 2  # first steps, which the speed excludes

# The additional options of each program; the first is the default of transformers' example script.
PYTORCH = {
    "PyTorch f32, padded to 128": ("--pad-to", "128"),
    "PyTorch bf16, padded to 128": ("--pad-to", "128", "--autocast", "bf16"),
    "PyTorch f32, padded to the longest": (),
    "PyTorch bf16, padded to the longest": ("--autocast", "bf16"),
    "PyTorch f32, linear layers unpadded": ("--packed",),
}
BERTC = {
    "bertc f32": (),
    "bertc f32, openblas": ("--backend", "openblas"),
    "bertc bf16": ("--precision", "bf16"),
}


@dataclass(frozen=True)
class Work:
    task: str
    batch_size: int
    max_length: int


WORKS = {"sst2": Work("sst2", 32, 128), "mnli": Work("mnli", 32, 128), "len512": Work("sst2", 8, 512)}
TABLE_WORKS = {"own": Work("custom", 32, 128), "same-as-sst2": Work("sst2", 32, 128)}


def write_rows(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="\n") as file:
        file.writelines("\t".join(row) + "\n" for row in rows)


def sst2_data(args, folder):
    return {"data": args.data}


def mnli_data(args, folder):
    """MNLI's own folder, or one whose train.tsv has the rows of dev_matched.tsv in train.tsv's columns."""
    if os.path.exists(glue.find_file(glue.TASKS["mnli"], args.data, "train")):
        return {"data": args.data}
    rows = glue.read_rows(glue.find_file(glue.TASKS["mnli"], args.data, "dev"))
    extra = range(rows[0].index("label2"), rows[0].index("label5") + 1)
    write_rows(f"{folder}/mnli/MNLI/dev_matched.tsv", rows)
    write_rows(f"{folder}/mnli/MNLI/train.tsv", [[x for i, x in enumerate(row) if i not in extra] for row in rows])
    return {"data": f"{folder}/mnli"}


def long_data(args, folder):
    """Write data in SST-2's format. Every text has 600 whole words of the vocabulary, so more than 512 tokens."""
    words = [word for word in open(args.vocab, encoding="utf-8").read().split() if word.isascii() and word.isalpha()]
    draw = random.Random(1)
    rows = [[" ".join(draw.choices(words, k=600)), str(i % 2)] for i in range(args.steps * WORKS["len512"].batch_size)]
    return sst2_form(rows, folder + "/len512")


def sst2_form(rows, folder):
    """Write texts and labels as SST-2's train and dev split."""
    for name in ("train", "dev"):
        write_rows(f"{folder}/SST-2/{name}.tsv", [["sentence", "label"], *rows])
    return {"data": folder}


def own_table(args, folder):
    return {"train": args.table, "dev": args.table}


def same_texts(args, folder):
    """The texts of --table, white space made one blank, with the labels 0 and 1 in turn."""
    texts, _ = own_data.read_table(args.table)
    return sst2_form([[" ".join(text.split()), str(i % 2)] for i, text in enumerate(texts)], folder + "/same")


DATA = {"sst2": sst2_data, "mnli": mnli_data, "len512": long_data, "own": own_table, "same-as-sst2": same_texts}


def bertc_speed(log):
    steps = [row for row in map(json.loads, open(log)) if "loss" in row][WARM:]
    return sum(row["tokens"] for row in steps) / sum(row["seconds"] for row in steps)


def reference_speed(log):
    steps = [json.loads(line) for line in open(log)]
    return (steps[-1]["tokens"] - steps[WARM - 1]["tokens"]) / (steps[-1]["seconds"] - steps[WARM - 1]["seconds"])


def run_options(args, work, model, data):
    """The options that bertc and the reference have in common."""
    options = {"task": work.task, "model": model, **data, "epochs": 1, "batch-size": work.batch_size,
               "max-length": work.max_length, "limit-train": args.steps * work.batch_size, "limit-eval": 1,
               "threads": args.threads}
    return [word for name, value in options.items() for word in ("--" + name, str(value))]


def bertc_run(args, options, folder, extra):
    out = tempfile.mkdtemp(dir=folder) + "/run"
    _, memory = measure.run([args.bertc, "finetune", *options, "--out", out, *extra], args.threads)
    return bertc_speed(out + "/log.jsonl"), memory


def reference_run(args, options, folder, extra):
    log = tempfile.mkdtemp(dir=folder) + "/log.jsonl"
    script = "own_data.py" if "custom" in options else "finetune_reference.py"
    _, memory = measure.run(measure.script(script, *options, "--loss-log", log, *extra), args.threads)
    return reference_speed(log), memory


def compare(args, name, model):
    """Run every program on one work; return (tokens/s, MB) of each round by program."""
    work = (WORKS | TABLE_WORKS)[name]
    programs = {}
    with tempfile.TemporaryDirectory() as folder:
        options = run_options(args, work, model, DATA[name](args, folder))
        for table, start in ((PYTORCH, reference_run), (BERTC, bertc_run)):
            for program, extra in table.items():
                if not (args.f32_only and "bf16" in program) and not ("128" in program and work.max_length > 128):
                    programs[program] = lambda start=start, extra=extra: start(args, options, folder, extra)
        return measure.in_turn(programs, args.rounds)


def speeds(results):
    return {name: [row[0] for row in rows] for name, rows in results.items()}


def report(args, name, results):
    work = (WORKS | TABLE_WORKS)[name]
    print(f"Training, {name}: batch {work.batch_size}, cut at {work.max_length}, {args.steps} steps ({WARM} left out)\n")
    print("| program | tokens/s | to the first | peak memory, MB | to the first |\n|---|---|---|---|---|")
    base = next(iter(results.values()))
    for program, rows in results.items():
        speed, memory = zip(*rows)
        base_speed, base_memory = zip(*base)
        print(f"| {program} | {measure.spread(speed, '%.0f')} | {measure.spread(measure.ratios(speed, base_speed), '%.2f')} "
              f"| {measure.spread(memory, '%.0f')} | {measure.spread(measure.ratios(memory, base_memory), '%.2f')} |")
    print(flush=True)


def parse_arguments():
    parser = measure.parser(__doc__)
    add_options(parser)
    parser.add_argument("--work", default="sst2", choices=WORKS | TABLE_WORKS)
    parser.add_argument("--table", help="a CSV with the columns text and label, for own and same-as-sst2")
    return parser.parse_args()


def add_options(parser):
    def steps(text):
        if int(text) <= WARM:
            raise ValueError
        return int(text)

    parser.add_argument("--steps", type=steps, default=6,
                        help=f"steps of a run, of which the first {WARM} are not counted")


def main():
    args = parse_arguments()
    print(measure.describe(args))
    with tempfile.TemporaryDirectory() as folder:
        report(args, args.work, compare(args, args.work, measure.make_model(args, folder + "/model")))


if __name__ == "__main__":
    main()
