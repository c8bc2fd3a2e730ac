"""Run every comparison of speed, and print a table of the most important ratios.

Runs tokenizer_speed on SST-2's sentences and the lines of --text, training_speed on its three works, inference_speed
and bertc-bench, and prints their tables. The last table compares bertc with the other tokenizers, with the default of
transformers' example script, with the fastest PyTorch, with the faster of PyTorch and ONNX Runtime, with the matrix
products of a step and with a copy of AdamW's bytes, and gives the time to the first step: medians of the ratios of each
round (minimum to maximum).
"""
import json
import tempfile

import inference_speed
import measure
import tokenizer_speed
import training_speed

DEFAULT = "PyTorch f32, padded to 128"
LEAN = {"f32": "PyTorch f32, padded to the longest", "bf16": "PyTorch bf16, padded to the longest"}


def tokenizer_rows(results):
    return [(f"tokenizer, {title}: {name} / bertc", values)
            for title, ratios in results.items() for name, values in ratios.items() if name != "bertc"]


def training_rows(name, results):
    """The ratios of one work: to the default if it was run, to PyTorch at its best, and of memory."""
    speeds = training_speed.speeds(results)
    memory = {program: [row[1] for row in rows] for program, rows in results.items()}
    best = measure.fastest({p: s for p, s in speeds.items() if "unpadded" not in p}, "PyTorch")
    rows = []
    for precision, lean in LEAN.items():
        program = f"bertc {precision}"
        if program not in speeds:
            continue
        if DEFAULT in speeds:
            rows.append((f"{name}: {program} / {DEFAULT}", measure.ratios(speeds[program], speeds[DEFAULT])))
        rows.append((f"{name}: {program} / PyTorch at its best", measure.ratios(speeds[program], best)))
        rows.append((f"{name}: peak memory, {program} / {lean}", measure.ratios(memory[program], memory[lean])))
    return rows


def inference_rows(results):
    rows = []
    for batch_size, speeds in results.items():
        ours = measure.fastest(speeds, "bertc")
        for peer in ("PyTorch", "ONNX Runtime"):
            rows.append((f"inference, batch {batch_size}, f32: bertc / {peer} at its best",
                         measure.ratios(ours, measure.fastest(speeds, peer))))
    return rows


def bench_rows(args):
    """The results of bertc-bench, which measures bertc alone: minimum, median and maximum."""
    rows = []
    for precision in ("f32",) if args.f32_only else ("f32", "bf16"):
        shape = ["--json", "--precision", precision, "--threads", args.threads, "--layers", args.layers, "--hidden", args.hidden]
        for what in (["step", "--lengths", "sst2"], ["step", "--lengths", "mnli"], ["optim"],
                     ["load", "--vocab", args.vocab, "--data", args.data]):
            output, _ = measure.run([measure.bench(args), *map(str, what + shape)], args.threads)
            for result in map(json.loads, output.splitlines()):
                if "ratio" in result["what"] or "exec" in result["what"]:
                    name = f"{result['what']}, {result.get('lengths', 'all parameters')}, {precision}, {result['unit']}"
                    rows.append((name, [result["least"], result["median"], result["most"]]))
    return rows


def main():
    parser = measure.parser(__doc__)
    training_speed.add_options(parser)
    inference_speed.add_options(parser)
    parser.add_argument("--text", help="a file with one text per line, for the tokenizers")
    args = parser.parse_args()
    print(measure.describe(args, "onnxruntime"))
    args.only = None
    rows = tokenizer_rows(tokenizer_speed.compare_all(args))
    with tempfile.TemporaryDirectory() as folder:
        model = measure.make_model(args, folder + "/model")
        for name in training_speed.WORKS:
            results = training_speed.compare(args, name, model)
            training_speed.report(args, name, results)
            rows += training_rows(name, results)
        results = inference_speed.compare(args, folder)
        inference_speed.report(args, results)
        rows += inference_rows(results)
    rows += bench_rows(args)
    print("| ratio | median (least to most) |\n|---|---|")
    for name, values in rows:
        print(f"| {name} | {measure.spread(values, '%.2f')} |")


if __name__ == "__main__":
    main()
