"""Tokens a second and peak memory of a training run: bertc and PyTorch + transformers, side by side.

Makes a model directory with random weights of the shape asked for, then runs bertc and the reference in
turn, --rounds times, over the same examples in the same order. Both are whole processes; the first steps
of each, in which memory is touched and kernels are compiled for the first time, are left out of the speed.
Prints one row a program (median, least, most) and the ratio to the padded reference, round by round.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WARM = 2  # steps left out of the speed


def run(command, threads):
    """Run a command to its end; returns its peak resident memory in MB."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}\n{message.decode()}")
    return usage.ru_maxrss / 1024


def bertc_speed(log):
    steps = [row for row in map(json.loads, open(log)) if "loss" in row and "step" in row and "lr" in row][WARM:]
    return sum(row["tokens"] for row in steps) / sum(row["seconds"] for row in steps)


def reference_speed(log):
    steps = [json.loads(line) for line in open(log)]
    return (steps[-1]["tokens"] - steps[WARM - 1]["tokens"]) / (steps[-1]["seconds"] - steps[WARM - 1]["seconds"])


def bertc_run(args, model, folder, backend, precision="f32"):
    out = tempfile.mkdtemp(dir=folder) + "/run"
    memory = run([args.bertc, "finetune", "--task", args.task, "--model", model, "--data", args.data, "--out", out,
                  "--epochs", "1", "--limit-train", str(args.steps * args.batch_size), "--limit-eval", "1",
                  "--batch-size", str(args.batch_size), "--threads", str(args.threads), "--backend", backend,
                  "--precision", precision],
                 args.threads)
    return bertc_speed(out + "/log.jsonl"), memory


def reference_run(args, model, folder, *extra):
    log = os.path.join(tempfile.mkdtemp(dir=folder), "log.jsonl")
    memory = run([sys.executable, os.path.join(HERE, "finetune_reference.py"), "--task", args.task, "--model", model,
                  "--data", args.data, "--epochs", "1", "--limit-train", str(args.steps * args.batch_size),
                  "--limit-eval", "1", "--batch-size", str(args.batch_size), "--threads", str(args.threads),
                  "--loss-log", log, *extra], args.threads)
    return reference_speed(log), memory


def spread(values, form):
    values = sorted(values)
    return f"{form % statistics.median(values)} ({form % values[0]} to {form % values[-1]})"


def processor():
    if os.path.exists("/proc/cpuinfo"):
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def report(args, results):
    print(f"{args.layers} x {args.hidden}, f32 where not said, {args.task}, batch {args.batch_size}, {args.threads} threads, "
          f"{args.steps} steps ({WARM} left out), {args.rounds} rounds, {processor()}\n")
    print("| program | tokens/s | ratio | peak memory, MB | ratio |\n|---|---|---|---|---|")
    base = results["PyTorch, padded to the longest"]
    for name, rows in results.items():
        speed = [row[0] / other[0] for row, other in zip(rows, base)]
        memory = [row[1] / other[1] for row, other in zip(rows, base)]
        print(f"| {name} | {spread([r[0] for r in rows], '%.0f')} | {spread(speed, '%.2f')} "
              f"| {spread([r[1] for r in rows], '%.0f')} | {spread(memory, '%.2f')} |")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", default=os.path.join(HERE, "../../build/release/bertc"))
    parser.add_argument("--data", required=True, help="the GLUE root")
    parser.add_argument("--vocab", required=True, help="a vocab.txt that fits the data")
    parser.add_argument("--task", default="sst2")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--f32-only", action="store_true", help="for a processor without bf16")
    return parser.parse_args()


def main():
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        model = folder + "/model"
        run([args.bertc, "init", "--layers", str(args.layers), "--hidden", str(args.hidden), "--heads",
             str(args.heads), "--vocab", args.vocab, "--out", model], args.threads)
        programs = {
            "PyTorch, padded to the longest": lambda: reference_run(args, model, folder),
            "PyTorch, linear layers unpadded": lambda: reference_run(args, model, folder, "--packed"),
            "bertc, onednn": lambda: bertc_run(args, model, folder, "onednn"),
            "bertc, openblas": lambda: bertc_run(args, model, folder, "openblas"),
            "bertc, onednn, bf16": lambda: bertc_run(args, model, folder, "onednn", "bf16"),
        }
        if args.f32_only:
            del programs["bertc, onednn, bf16"]
        results = {name: [] for name in programs}
        for _ in range(args.rounds):
            for name, program in programs.items():
                results[name].append(program())
    report(args, results)


if __name__ == "__main__":
    main()
