"""Scores of bertc and of PyTorch + transformers, or of bertc in bf16, after the same fine-tuning, over several seeds.

Runs both for every task and seed with the same recipe, learning rate, order and initial head, and prints a table of
means and standard deviations. Results that are already in --out are not computed again, and an interrupted bertc run is
resumed, so the command can be repeated until the table is complete.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCHS = {"sst2": 1, "cola": 3, "mrpc": 3, "stsb": 3}


def bertc_metrics(args, task, seed, precision="f32"):
    """Return the dev metrics of a bertc run; train first if there are none. None with --table-only and no result."""
    folder = f"{args.out}/bertc-{precision}/{task}-{seed}"
    if not os.path.exists(folder + "/eval.json"):
        if args.table_only:
            return None
        subprocess.run([args.bertc, "finetune", "--task", task, "--model", args.model, "--data", args.data,
                        "--out", folder, "--epochs", str(EPOCHS[task]), "--lr", str(args.lr), "--seed", str(seed),
                        "--threads", str(args.threads), "--precision", precision, "--save-every", "200", "--resume"],
                       check=True, stdout=subprocess.DEVNULL)
    with open(folder + "/eval.json") as file:
        return json.load(file)["metrics"]


def reference_metrics(args, task, seed):
    """Return the dev metrics of a reference run. The results of all runs are lines of one file."""
    results = args.out + "/reference.jsonl"
    rows = [json.loads(line) for line in open(results)] if os.path.exists(results) else []
    for row in rows:
        if (row["task"], row["seed"]) == (task, seed):
            return row["metrics"]
    if args.table_only:
        return None
    os.makedirs(args.out, exist_ok=True)
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), MKL_NUM_THREADS=str(args.threads))
    subprocess.run([sys.executable, HERE + "/finetune_reference.py", "--task", task, "--model", args.model,
                    "--data", args.data, "--epochs", str(EPOCHS[task]), "--lr", str(args.lr), "--seed", str(seed),
                    "--threads", str(args.threads), "--packed", "--results", results],
                   check=True, env=environment, stdout=subprocess.DEVNULL)
    return reference_metrics(args, task, seed)


def bf16_metrics(args, task, seed):
    return bertc_metrics(args, task, seed, "bf16")


BESIDE = {"transformers": reference_metrics, "bf16": bf16_metrics}


def describe(values):
    if not values:
        return "-"
    mean = 100 * statistics.mean(values)
    return f"{mean:.2f} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else f"{mean:.2f}"


def row(task, name, ours, theirs):
    """One line of the table: both means, their difference and whether it is below the larger deviation."""
    verdict = "-"
    if len(ours) > 1 and len(ours) == len(theirs):
        gap = abs(statistics.mean(ours) - statistics.mean(theirs))
        spread = max(statistics.stdev(ours), statistics.stdev(theirs))
        verdict = f"{100 * gap:.2f}, {'within' if gap < spread else 'beyond'} {100 * spread:.2f}"
    return f"| {task} | {name} | {len(ours)}, {len(theirs)} | {describe(ours)} | {describe(theirs)} | {verdict} |"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", default=os.path.join(HERE, "../../build/release/bertc"))
    parser.add_argument("--model", required=True, help="a pretrained encoder")
    parser.add_argument("--data", required=True, help="the GLUE root")
    parser.add_argument("--out", required=True, help="folder for runs and results")
    parser.add_argument("--tasks", nargs="+", default=["cola", "mrpc", "stsb", "sst2"], choices=EPOCHS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44])
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beside", default="transformers", choices=BESIDE, help="compare bertc in f32 with this")
    parser.add_argument("--table-only", action="store_true", help="run nothing, show what is there")
    return parser.parse_args()


def main():
    args = parse_arguments()
    lines = []
    for task in args.tasks:
        pairs = [(bertc_metrics(args, task, seed), BESIDE[args.beside](args, task, seed)) for seed in args.seeds]
        ours, theirs = ([m for m in side if m] for side in zip(*pairs))
        for name in (ours or theirs or [{}])[0]:
            lines.append(row(task, name, [m[name] for m in ours], [m[name] for m in theirs]))
    print(f"| task | metric, dev, x100 | seeds of each | bertc | {args.beside} | difference |\n|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
