"""The loss of every step of a fine-tuning run, in bertc and in PyTorch with transformers.

The real encoder on SST-2 and STS-B without dropout, in both recipes: the same order of examples, the
same new head and the same schedule. The relative difference may be 1e-3 at every step.
"""
import json
import sys
import tempfile

import common

BOUND = 1e-3
REFERENCE = common.REPOSITORY / "bench" / "peers" / "finetune_reference.py"


def losses(path):
    """The loss of each step from a log, in which evaluations have no loss."""
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def run_ours(args, work, options):
    out = f"{work}/run"
    common.run([args.bertc, "finetune", *options, "--out", out, "--max-steps", args.steps, "--limit-eval", 32])
    return losses(f"{out}/log.jsonl")


def run_theirs(args, work, options):
    log = f"{work}/reference.jsonl"
    common.run([sys.executable, REFERENCE, *options, "--epochs", 1, "--steps", args.steps, "--schedule-steps",
                args.steps, "--loss-log", log])
    return losses(log)


def compare(verdict, args, task, recipe, more=(), bound=BOUND, name=None):
    """Compare a run of both programs with `more` options; `name` is printed instead of the task's name."""
    name = name or task
    options = ["--task", task, "--model", common.encoder_folder(), "--data", args.data / "glue", "--recipe", recipe,
               "--batch-size", args.batch_size, "--lr", args.lr, "--max-length", 128, "--dropout", 0,
               "--seed", args.seed, "--threads", args.threads, *more]
    with tempfile.TemporaryDirectory() as work:
        ours, theirs = run_ours(args, work, options), run_theirs(args, work, options)
    if len(ours) != args.steps or ours.keys() != theirs.keys():
        sys.exit(f"{name}, {recipe}: {len(ours)} and {len(theirs)} steps, expected {args.steps}")
    worst = max(ours, key=lambda step: abs(ours[step] - theirs[step]) / theirs[step])
    figure = abs(ours[worst] - theirs[worst]) / theirs[worst]
    verdict.expect(f"{name}, {recipe}: {args.steps} steps, worst loss", figure, bound)
    last = args.steps
    print(f"    at step {worst}; ours {ours[1]:.6f} to {ours[last]:.6f}, "
          f"theirs {theirs[1]:.6f} to {theirs[last]:.6f}", flush=True)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--tasks", nargs="+", default=["sst2", "stsb"])
    parser.add_argument("--recipes", nargs="+", default=["hf", "google"])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-5)
    args = common.parse(parser)
    common.need_encoder(args)
    verdict = common.Verdict()
    for task in args.tasks:
        for recipe in args.recipes:
            compare(verdict, args, task, recipe)
    verdict.exit()


if __name__ == "__main__":
    main()
