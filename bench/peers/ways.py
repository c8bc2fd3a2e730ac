"""Compare ways of transfer over several seeds: metric, time and memory.

Fine-tunes one encoder in each way on each task and prints a table. Time covers the whole run, including reading and
evaluation. Results that are already in --out are not computed again, so the command can be repeated until the table is
complete. Times are comparable only if nothing else ran on the machine.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import time

import measure

EPOCHS = {"sst2": 1, "cola": 3, "mrpc": 3, "stsb": 3}
WAYS = {
    "head only": ("--freeze", "all", "--lr", "1e-2"),
    "top half": ("--freeze", "{half}", "--lr", "1e-4"),
    "LoRA 8": ("--lora-rank", "8", "--lora-alpha", "16", "--lr", "1e-3"),
    "BitFit": ("--train-only", "bias", "--lr", "1e-3"),
    "full": ("--lr", "5e-5"),
}


def layers(model):
    with open(os.path.join(model, "config.json")) as file:
        return json.load(file)["num_hidden_layers"]


def train(args, way, task, seed):
    """Make one run; return metrics, seconds and peak memory in MB."""
    folder = os.path.join(args.out, f"{task}-{way.replace(' ', '-')}-{seed}")
    shutil.rmtree(folder, ignore_errors=True)
    options = [word.format(half=layers(args.model) // 2) for word in WAYS[way]]
    started = time.monotonic()
    printed, memory = measure.run(
        [args.bertc, "finetune", "--task", task, "--model", args.model, "--data", args.data, "--out", folder,
         "--epochs", str(EPOCHS[task]), "--seed", str(seed), "--threads", str(args.threads), "--precision",
         args.precision, *options], args.threads)
    seconds = time.monotonic() - started
    shutil.rmtree(folder)
    return {"way": way, "task": task, "seed": seed, "metrics": json.loads(printed.splitlines()[-1])["metrics"],
            "seconds": round(seconds, 2), "megabytes": round(memory)}


def complete(args):
    """Return all results; compute those that are missing."""
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "results.jsonl")
    rows = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    done = {(row["way"], row["task"], row["seed"]) for row in rows}
    with open(path, "a") as file:
        for seed in args.seeds:
            for task in args.tasks:
                for way in (way for way in args.ways if (way, task, seed) not in done):
                    rows.append(train(args, way, task, seed))
                    print(json.dumps(rows[-1]), file=file, flush=True)
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def describe(values):
    mean = 100 * statistics.mean(values)
    return f"{mean:.2f} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else f"{mean:.2f}"


def print_table(rows, args):
    print("| task | way | metric, dev, x100 | seconds | to full | peak memory, MB | to full |\n|---|---|---|---|---|---|---|")
    for task in args.tasks:
        found = {way: [row for row in rows if (row["task"], row["way"]) == (task, way)] for way in args.ways}
        cost = {way: [statistics.median(row[unit] for row in found[way]) for unit in ("seconds", "megabytes")]
                for way in args.ways if found[way]}
        for way, (seconds, memory) in cost.items():
            names = found[way][0]["metrics"]
            score = ", ".join(f"{name} {describe([row['metrics'][name] for row in found[way]])}" for name in names)
            base = cost.get("full", (seconds, memory))
            print(f"| {task} | {way} | {score} | {seconds:.1f} | {seconds / base[0]:.2f} | {memory:.0f} | "
                  f"{memory / base[1]:.2f} |")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", default=os.path.join(measure.HERE, "../../build/release/bertc"))
    parser.add_argument("--model", required=True, help="a pretrained encoder")
    parser.add_argument("--data", required=True, help="the GLUE root")
    parser.add_argument("--out", required=True, help="folder for results")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS, metavar="WAY")
    parser.add_argument("--tasks", nargs="+", default=list(EPOCHS), choices=EPOCHS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="auto", choices=("f32", "bf16", "auto"))
    return parser.parse_args()


def main():
    args = parse_arguments()
    print_table(complete(args), args)


if __name__ == "__main__":
    main()
