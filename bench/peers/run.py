"""Every comparison of speed, and one table of the ratios that matter.

Runs tokenizer_speed on SST-2's sentences, training_speed's three works and inference_speed, prints their tables, and at the end bertc against the
example script's default, against the fastest PyTorch, and against the fastest of PyTorch and ONNX Runtime:
medians of the ratios round by round, least to most.
"""
import tempfile

import inference_speed
import measure
import training_speed

DEFAULT = "PyTorch f32, padded to 128"
LEAN = "PyTorch f32, padded to the longest"


def training_rows(name, results):
    """The ratios of one work: to the default where it was run, to PyTorch at its best, and of memory."""
    speeds = training_speed.speeds(results)
    memory = {program: [row[1] for row in rows] for program, rows in results.items()}
    best = measure.fastest({p: s for p, s in speeds.items() if "unpadded" not in p}, "PyTorch")
    rows = []
    for program in ("bertc f32", "bertc bf16"):
        if program not in speeds:
            continue
        if DEFAULT in speeds:
            rows.append((f"{name}: {program} / {DEFAULT}", measure.ratios(speeds[program], speeds[DEFAULT])))
        rows.append((f"{name}: {program} / PyTorch at its best", measure.ratios(speeds[program], best)))
        rows.append((f"{name}: peak memory, {program} / {LEAN}", measure.ratios(memory[program], memory[LEAN])))
    return rows


def inference_rows(results):
    rows = []
    for batch_size, speeds in results.items():
        ours = measure.fastest(speeds, "bertc")
        for peer in ("PyTorch", "ONNX Runtime"):
            rows.append((f"inference, batch {batch_size}, f32: bertc / {peer} at its best",
                         measure.ratios(ours, measure.fastest(speeds, peer))))
    return rows


def main():
    parser = measure.parser(__doc__)
    training_speed.add_options(parser)
    inference_speed.add_options(parser)
    args = parser.parse_args()
    print(measure.describe(args, "onnxruntime"))
    print(measure.run(measure.script("tokenizer_speed.py", "--vocab", args.vocab, "--data", args.data, "--bertc", args.bertc),
                      args.threads)[0], flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = measure.make_model(args, folder + "/model")
        for name in training_speed.WORKS:
            results = training_speed.compare(args, name, model)
            training_speed.report(args, name, results)
            rows += training_rows(name, results)
        results = inference_speed.compare(args, folder)
        inference_speed.report(args, results)
        rows += inference_rows(results)
    print("| ratio | median (least to most) |\n|---|---|")
    for name, values in rows:
        print(f"| {name} | {measure.spread(values, '%.2f')} |")


if __name__ == "__main__":
    main()
