"""Functions that the speed comparisons share: measured processes, models, statistics and options."""
import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, threads, stdin=None):
    """Run a command to its end; return its output and its peak resident memory in MB."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(command, env=environment, stdin=stdin, stdout=output, stderr=messages)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        messages.seek(0)
        if status:
            sys.exit(f"{' '.join(command)}\n{messages.read().decode()}")
        return output.read().decode(), usage.ru_maxrss / 1024


def script(name, *arguments):
    """The command that runs a script of this folder."""
    return [sys.executable, os.path.join(HERE, name), *map(str, arguments)]


def bench(args):
    """The path of bertc-bench, in the folder of bertc."""
    return os.path.join(os.path.dirname(args.bertc), "bertc-bench")


def make_model(args, folder):
    """Create a model directory with random weights of the requested shape and a head of two labels."""
    run([args.bertc, "init", "--layers", str(args.layers), "--hidden", str(args.hidden), "--heads", str(args.heads),
         "--vocab", args.vocab, "--out", folder], args.threads)
    return folder


def in_turn(programs, rounds):
    """Call every program once per round; return the results of each program by name."""
    results = {name: [] for name in programs}
    for number in range(rounds):
        for name, program in programs.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            results[name].append(program())
    return results


def spread(values, form):
    """The median (minimum to maximum) as text."""
    values = sorted(values)
    return f"{form % statistics.median(values)} ({form % values[0]} to {form % values[-1]})"


def ratios(rows, base):
    """The ratio of each round."""
    return [row / other for row, other in zip(rows, base)]


def fastest(speeds, start):
    """The speeds of the program with the largest median among those whose names begin with `start`."""
    return max((rows for name, rows in speeds.items() if name.startswith(start)), key=statistics.median)


def processor():
    if os.path.exists("/proc/cpuinfo"):
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def describe(args, *others):
    """Shape, threads, rounds, processor and the libraries in use, with the packages `others`."""
    peers = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", *others))
    bertc = run([args.bertc, "--version"], args.threads)[0].strip().replace("\n", "; ")
    return (f"{args.layers} x {args.hidden}, {args.threads} threads, {args.rounds} rounds in turn, {processor()}\n"
            f"{peers}; {bertc}\n")


def parser(description):
    """The options of every comparison."""
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--bertc", default=os.path.join(HERE, "../../build/release/bertc"))
    result.add_argument("--data", required=True, help="the GLUE root")
    result.add_argument("--vocab", required=True, help="a vocab.txt that fits the data")
    result.add_argument("--layers", type=int, default=12)
    result.add_argument("--hidden", type=int, default=768)
    result.add_argument("--heads", type=int, default=12)
    result.add_argument("--rounds", type=int, default=3)
    result.add_argument("--threads", type=int, default=2)
    result.add_argument("--f32-only", action="store_true", help="for a processor without bf16")
    return result
