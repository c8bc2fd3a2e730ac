"""Scores of bertc and of PyTorch + transformers on tables that are not GLUE's, over several seeds.

The sets are banking77 (77 classes; train.csv, evaluated on test.csv) and the first 10,000 rows of GoEmotions (28
labels, several a text; train.tsv, evaluated on dev.tsv). Runs both programs for every set and seed with the same
recipe, learning rate, order and initial head. The table has means, standard deviations and standard errors, and the
difference of the means in standard errors of that difference. Results that are already in --out are not computed
again, and an interrupted bertc run is resumed, so the command can be repeated until the table is complete.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Set:
    """`task` is bertc's task file without the files; `options` are the options of training that only this set has."""
    train: str
    dev: str
    task: dict
    options: dict


SETS = {
    "banking77": Set("train.csv", "test.csv",
                     {"kind": "classification", "text_column": "text", "label_column": "category",
                      "metrics": ["accuracy", "f1_macro"]}, {"lr": 2e-4}),
    "goemotions": Set("train.tsv", "dev.tsv",
                      {"kind": "multilabel", "header": ["text", "emotions", "id"], "text_column": "text",
                       "label_column": "emotions", "label_separator": ",",
                       "metrics": ["f1_micro", "f1_macro", "average_precision", "auc", "subset_accuracy"]},
                      {"lr": 1e-4, "head-lr": 1e-3, "limit-train": 10000}),
}


def paths(args, name):
    return [os.path.abspath(os.path.join(args.own, name, file)) for file in (SETS[name].train, SETS[name].dev)]


def common_options(args, name, seed):
    """The options that bertc and the reference have in common."""
    options = {"model": args.model, "epochs": args.epochs, "seed": seed, "threads": args.threads, **SETS[name].options}
    return [word for option, value in options.items() for word in ("--" + option, str(value))]


def task_file(args, name):
    """Write bertc's task file; return its path. If the folder has a labels.txt, the tables have numbers of its lines."""
    path = f"{args.out}/{name}.json"
    train, dev = paths(args, name)
    task = {"name": name, "train": train, "dev": dev, **SETS[name].task}
    labels = os.path.join(args.own, name, "labels.txt")
    if os.path.exists(labels):
        with open(labels) as file:
            task.update(labels=file.read().split(), label_numbers=True)
    with open(path, "w") as file:
        json.dump(task, file, indent=1)
    return path


def bertc_metrics(args, name, seed):
    """Return the dev metrics of a bertc run; train first if there are none. None if there are none with --table-only."""
    folder = f"{args.out}/bertc/{name}-{seed}"
    if not os.path.exists(folder + "/eval.json"):
        if args.table_only:
            return None
        subprocess.run([args.bertc, "finetune", "--task", task_file(args, name), "--out", folder, "--save-every",
                        "200", "--resume", *common_options(args, name, seed)], check=True, stdout=subprocess.DEVNULL)
    with open(folder + "/eval.json") as file:
        return json.load(file)["metrics"]


def reference_metrics(args, name, seed):
    """Return the dev metrics of a reference run. The results of all runs are lines of one file."""
    results = args.out + "/reference.jsonl"
    rows = [json.loads(line) for line in open(results)] if os.path.exists(results) else []
    for row in rows:
        if (row["task"], row["seed"]) == (name, seed):
            return row["metrics"]
    if args.table_only:
        return None
    train, dev = paths(args, name)
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), MKL_NUM_THREADS=str(args.threads))
    subprocess.run([sys.executable, HERE + "/own_data.py", "--task", name, "--train", train, "--dev", dev, "--kind",
                    SETS[name].task["kind"], "--packed", "--results", results, *common_options(args, name, seed)],
                   check=True, env=environment, stdout=subprocess.DEVNULL)
    return reference_metrics(args, name, seed)


def describe(values):
    """Mean, standard deviation and standard error of the mean."""
    deviation = statistics.stdev(values)
    return (f"{100 * statistics.mean(values):.2f} ± {100 * deviation:.2f} "
            f"({100 * deviation / math.sqrt(len(values)):.2f})")


def row(name, metric, ours, theirs):
    """One line of the table; two seeds or more of each side are needed."""
    if min(len(ours), len(theirs)) < 2:
        return f"| {name} | {metric} | {len(ours)}, {len(theirs)} | - | - | - | - |"
    gap = statistics.mean(ours) - statistics.mean(theirs)
    error = math.sqrt(sum(statistics.variance(side) / len(side) for side in (ours, theirs)))
    errors = f"{gap / error:+.1f}" if error else "-"
    return (f"| {name} | {metric} | {len(ours)}, {len(theirs)} | {describe(ours)} | {describe(theirs)} | {100 * gap:+.2f} "
            f"| {errors} |")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", default=os.path.join(HERE, "../../build/release/bertc"))
    parser.add_argument("--model", required=True, help="a pretrained encoder")
    parser.add_argument("--own", required=True, help="the folder of banking77 and goemotions")
    parser.add_argument("--out", required=True, help="folder for runs and results")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44, 45, 46])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table-only", action="store_true", help="run nothing, show what is there")
    return parser.parse_args()


def main():
    args = parse_arguments()
    os.makedirs(args.out, exist_ok=True)
    lines = []
    for name in args.sets:
        pairs = [(bertc_metrics(args, name, seed), reference_metrics(args, name, seed)) for seed in args.seeds]
        ours, theirs = ([m for m in side if m] for side in zip(*pairs))
        for metric in SETS[name].task["metrics"]:
            lines.append(row(name, metric, [m[metric] for m in ours], [m[metric] for m in theirs]))
    print("| set | metric, x100 | seeds of each | bertc | transformers | difference | in standard errors |\n"
          "|---|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
