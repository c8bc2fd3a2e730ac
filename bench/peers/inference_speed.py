"""Compare the speed of forward passes in f32 (sentences per second) of bertc, PyTorch and ONNX Runtime.

The first --limit sentences of SST-2's dev.tsv, as they come and sorted by length, in batches of 32 and of 1.
All programs load the same model directory (random weights of the requested shape), tokenise first and time the model
alone: bertc by `bertc-bench infer`, the others by inference_reference.py. They run in turn, --rounds times, each in its
own process. Before that, the logits of all programs are compared.
"""
import json
import os
import tempfile

import numpy as np
from tokenizers import BertWordPieceTokenizer

import glue
import measure

BATCHES = {32: ("as they come", "sorted"), 1: ("as they come",)}


def write_texts(args, folder):
    """The sentences in both orders."""
    lines = glue.read_split(glue.TASKS["sst2"], args.data, "dev").head(args.limit).first
    tokenizer = BertWordPieceTokenizer(args.vocab)
    orders = {"as they come": lines, "sorted": sorted(lines, key=lambda line: len(tokenizer.encode(line).ids))}
    for name, ordered in orders.items():
        with open(f"{folder}/{name}.txt", "w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in ordered)


def bertc_run(args, folder, batch_size, order):
    output, _ = measure.run([measure.bench(args), "infer", "--json", "--rounds", "1",
                             "--model", folder + "/model", "--text", f"{folder}/{order}.txt", "--batch-size",
                             str(batch_size), "--threads", str(args.threads)], args.threads)
    return json.loads(output)["median"]


def reference_run(args, folder, batch_size, order, program, *extra):
    output, _ = measure.run(measure.script(
        "inference_reference.py", program, "--model", folder + "/model", "--onnx", folder + "/model.onnx", "--text",
        f"{folder}/{order}.txt", "--batch-size", batch_size, "--threads", args.threads, *extra), args.threads)
    return json.loads(output)["texts_per_second"]


PROGRAMS = {
    "PyTorch": lambda *run: reference_run(*run, "torch"),
    "PyTorch compiled": lambda *run: reference_run(*run, "compiled"),
    "ONNX Runtime": lambda *run: reference_run(*run, "onnx"),
    "bertc": bertc_run,
}


def check_logits(args, folder):
    """Print the largest difference of each program's logits from bertc's."""
    text, out = folder + "/as they come.txt", folder + "/logits"
    with open(text, "rb") as lines:
        measure.run([args.bertc, "predict", "--task", "sst2", "--model", folder + "/model", "--out", folder + "/labels",
                     "--logits", out + ".tsv", "--threads", str(args.threads)], args.threads, lines)
    ours = np.array([row[1:] for row in glue.read_rows(out + ".tsv")[1:]], np.float64)
    for program in ("torch", "compiled", "onnx"):
        reference_run(args, folder, 32, "as they come", program, "--logits", out + ".npy")
        print(f"logits, largest difference between bertc and {program}: {np.abs(np.load(out + '.npy') - ours).max():.1e}")
    print()


def compare(args, folder):
    """Run folder/model; return the sentences/s of each round by batch size and program."""
    results = {}
    measure.run(measure.script("inference_reference.py", "export", "--model", folder + "/model", "--onnx",
                               folder + "/model.onnx"), args.threads)
    write_texts(args, folder)
    check_logits(args, folder)
    for batch_size, orders in BATCHES.items():
        programs = {f"{name}, {order}": lambda program=program, order=order: program(args, folder, batch_size, order)
                    for name, program in PROGRAMS.items() for order in orders}
        results[batch_size] = measure.in_turn(programs, args.rounds)
    return results


def report(args, results):
    for batch_size, speeds in results.items():
        print(f"Inference, f32, {args.limit} SST-2 dev sentences, batch {batch_size}\n")
        print("| program | sentences/s | to the first |\n|---|---|---|")
        base = next(iter(speeds.values()))
        for name, rows in speeds.items():
            print(f"| {name} | {measure.spread(rows, '%.1f')} | {measure.spread(measure.ratios(rows, base), '%.2f')} |")
        print(flush=True)


def add_options(parser):
    parser.add_argument("--limit", type=int, default=256, help="sentences")


def main():
    parser = measure.parser(__doc__)
    add_options(parser)
    args = parser.parse_args()
    print(measure.describe(args, "onnxruntime"))
    with tempfile.TemporaryDirectory() as folder:
        measure.make_model(args, folder + "/model")
        report(args, compare(args, folder))


if __name__ == "__main__":
    main()
