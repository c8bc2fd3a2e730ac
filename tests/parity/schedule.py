"""Learning rates of bertc's runs, step by step, against the schedules of transformers with a PyTorch optimizer.

Both recipes, each shape, with and without a warm-up. hf equals transformers' three functions. google's linear equals
the formula of optimization.py in Google's BERT; cosine is counted like it from the first step; constant equals
transformers'. The difference may be 1e-12 of --lr at every step.
"""
import json
import math
import pathlib
import sys
import tempfile

import common
import torch
import transformers

STEPS, RATE, BOUND = 23, 3e-4, 1e-12
FUNCTIONS = {"linear": transformers.get_linear_schedule_with_warmup,
             "cosine": transformers.get_cosine_schedule_with_warmup,
             "constant": transformers.get_constant_schedule_with_warmup}


def reference(shape, warmup):
    """The learning rates of transformers."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    total = {} if shape == "constant" else {"num_training_steps": STEPS}
    schedule = FUNCTIONS[shape](optimizer, num_warmup_steps=warmup, **total)
    rates = []
    for _ in range(STEPS):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return rates


def google(shape, warmup):
    """The learning rates of the recipe google."""
    decay = {"linear": lambda p: 1 - p, "cosine": lambda p: (1 + math.cos(math.pi * p)) / 2, "constant": lambda p: 1}
    return [RATE * (step / warmup if step < warmup else decay[shape](step / STEPS)) for step in range(STEPS)]


def logged(folder):
    with open(folder / "log.jsonl") as log:
        return [line["lr"] for line in map(json.loads, log) if "lr" in line]


def main():
    args = common.parse(common.arguments(__doc__))
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        common.run([args.bertc, "sample", "--out", folder / "sample"])
        for recipe in ("hf", "google"):
            for shape in FUNCTIONS:
                for warmup in (0, 1, 7, STEPS, STEPS + 9):
                    out = folder / f"{recipe}-{shape}-{warmup}"
                    common.run([args.bertc, "finetune", "--task", "sst2", "--model", folder / "sample/model", "--data",
                                folder / "sample", "--out", out, "--recipe", recipe, "--schedule", shape, "--lr", RATE,
                                "--warmup-steps", warmup, "--max-steps", STEPS, "--batch-size", 1, "--limit-eval", 1,
                                "--threads", 1])
                    want = reference(shape, warmup) if recipe == "hf" else google(shape, warmup)
                    got = logged(out)
                    worst = max(abs(a - b) for a, b in zip(got, want, strict=True)) / RATE
                    failed = failed or not worst <= BOUND
                    print(f"{recipe:6} {shape:8} warm-up {warmup:2}: largest difference {worst:.1e} of --lr")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
