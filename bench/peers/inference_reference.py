"""Forward passes of a BERT classifier over the lines of a text, by PyTorch or ONNX Runtime, timed.

Batches of --batch-size lines are taken in the order of the file, truncated to 128 tokens and padded to the longest line
of the batch. Everything is tokenised first. Every batch is run twice; the second pass is timed, without tokenising.
Prints one JSON object.
"""
import argparse
import json
import time

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import finetune_reference

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def load_torch(args, attention="sdpa"):
    return AutoModelForSequenceClassification.from_pretrained(args.model, dtype=torch.float32,
                                                              attn_implementation=attention).eval()


def export(args):
    """Write the model as ONNX, its attention, LayerNorm and GELU fused as onnxruntime.transformers does for BERT."""
    from onnxruntime.transformers import optimizer
    model = load_torch(args, "eager")  # the form whose attention the optimiser recognises
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in INPUTS)
    axes = {name: {0: "batch", 1: "length"} for name in INPUTS} | {"logits": {0: "batch"}}
    torch.onnx.export(model, example, args.onnx, input_names=list(INPUTS), output_names=["logits"], dynamic_axes=axes,
                      opset_version=17, dynamo=False)
    optimized = optimizer.optimize_model(args.onnx, model_type="bert", num_heads=model.config.num_attention_heads,
                                         hidden_size=model.config.hidden_size, opt_level=0)
    if optimized.get_fused_operator_statistics()["Attention"] != model.config.num_hidden_layers:
        raise ValueError("onnxruntime.transformers did not fuse the attention of every layer")
    optimized.save_model_to_file(args.onnx)


def open_torch(args):
    model = load_torch(args)
    return lambda batch: model(**batch).logits.numpy()


def open_compiled(args):
    """torch.compile with the fastest settings for fixed weights; its first pass runs a C++ compiler."""
    import torch._inductor.config
    torch._inductor.config.freezing = True
    model = torch.compile(load_torch(args), dynamic=True)
    return lambda batch: model(**batch).logits.numpy()


def open_onnx(args):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
    session = onnxruntime.InferenceSession(args.onnx, options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {name: batch[name].numpy() for name in INPUTS})[0]


PROGRAMS = {"torch": open_torch, "compiled": open_compiled, "onnx": open_onnx}


def make_batches(args):
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    lines = open(args.text, encoding="utf-8").read().splitlines()
    coded = tokenizer(lines, truncation=True, max_length=128, return_token_type_ids=True)
    coded = coded["input_ids"], coded["token_type_ids"]
    rows = range(len(lines))
    return [finetune_reference.collate(coded, rows[at:at + args.batch_size]) for at in rows[::args.batch_size]]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=[*PROGRAMS, "export"], help="which program runs; export writes --onnx")
    parser.add_argument("--model", required=True, help="a model directory with a head")
    parser.add_argument("--onnx", help="the exported model")
    parser.add_argument("--text", help="one sentence a line")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--logits", help="write them to this .npy file")
    return parser.parse_args()


@torch.inference_mode()
def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    if args.program == "export":
        return export(args)
    batches = make_batches(args)
    forward = PROGRAMS[args.program](args)
    logits = np.concatenate([forward(batch) for batch in batches])
    started = time.perf_counter()
    for batch in batches:
        forward(batch)
    seconds = time.perf_counter() - started
    if args.logits:
        np.save(args.logits, logits)
    print(json.dumps({"program": args.program, "batch_size": args.batch_size, "texts": len(logits),
                      "texts_per_second": len(logits) / seconds, "threads": args.threads}))


if __name__ == "__main__":
    main()
