"""Heads for one's own data, in bertc and in PyTorch with transformers: 300 classes, sets of labels with pos_weight, values.

The real encoder with sentences of SST-2 and labels made from them. Compares the gradients of every parameter at the first
step, the loss of every step of a run without dropout in both recipes, and the saved model: it loads in transformers as
BertForSequenceClassification with its problem_type, and `pipeline` gives the labels and probabilities of bertc's
predictions. The relative difference may be 1e-3 for losses and 1e-4 for gradients, 1e-5 for probabilities.
"""
import json
import pathlib
import sys
import tempfile
import types

import common
import numpy as np
import torch
from gradients import relative_errors
from loss_curve import losses
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline

sys.path.append(str(common.REPOSITORY / "bench" / "peers"))
import finetune_reference  # noqa: E402

LOSSES, GRADIENTS, PROBABILITIES = 1e-3, 1e-4, 1e-5
WORDS = ("a", "and", "film", "movie", "not", "of", "the", "with")  # a text has the labels of its words
WEIGHTS = (0.5, 1, 8, 4, 2.5, 1, 0, 100)
KINDS = ("classification", "multilabel", "regression")
PROBLEMS = dict(zip(KINDS, ("single_label_classification", "multi_label_classification", "regression")))
CLASSES = 300


def label_of(kind, text, number):
    if kind == "multilabel":
        return [word for word in WORDS if word in text.split()]
    if kind == "regression":
        return len(text) * 7 - 400.25
    return f"class {(len(text) * 31 + number) % CLASSES:03}"


def names_of(kind):
    return {"classification": [f"class {c:03}" for c in range(CLASSES)], "multilabel": list(WORDS),
            "regression": ["LABEL_0"]}[kind]


def read_rows(args, split, kind, count):
    with open(args.data / "glue" / "SST-2" / f"{split}.tsv", encoding="utf-8") as file:
        texts = [line.rstrip("\n").rpartition("\t")[0] for line in file][1:count + 1]
    return [{"text": text, "label": label_of(kind, text, i)} for i, text in enumerate(texts)]


def targets_of(kind, rows):
    """The labels of rows for the loss functions of PyTorch."""
    names = names_of(kind)
    if kind == "classification":
        return torch.tensor([names.index(row["label"]) for row in rows])
    if kind == "multilabel":
        return torch.tensor([[float(name in row["label"]) for name in names] for row in rows])
    return torch.tensor([row["label"] for row in rows])


def loss_of(kind, logits, targets):
    if kind == "classification":
        return torch.nn.CrossEntropyLoss()(logits, targets)
    if kind == "multilabel":
        return torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(WEIGHTS))(logits, targets)
    return torch.nn.MSELoss()(logits.squeeze(-1), targets)


# ---- losses --------------------------------------------------------------------------------------

def run_ours(args, kind, recipe, rows, out):
    """Train, and return the loss of each step. Classes that only few rows have are stated by a task file."""
    work = pathlib.Path(out).parent
    for split, lines in rows.items():
        (work / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    task = {"train": "train.jsonl", "dev": "dev.jsonl", "kind": kind, "text_column": "text", "label_column": "label"}
    if kind != "regression":
        task["labels"] = names_of(kind)
    (work / "made.json").write_text(json.dumps(task))
    weights = ["--class-weights", ",".join(map(str, WEIGHTS))] if kind == "multilabel" else []
    common.run([args.bertc, "finetune", "--task", work / "made.json", "--model", common.encoder_folder(), "--out", out,
                "--recipe", recipe, "--lr", args.lr, "--batch-size", args.batch_size, "--dropout", 0, "--epochs", 1,
                "--seed", args.seed, "--threads", args.threads, *weights])
    return losses(f"{out}/log.jsonl")


def load_reference(args, kind, how):
    names = names_of(kind)
    config = AutoConfig.from_pretrained(common.encoder_folder(), num_labels=len(names), problem_type=PROBLEMS[kind])
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = config.classifier_dropout = 0.0
    model, info = AutoModelForSequenceClassification.from_pretrained(
        common.encoder_folder(), config=config, dtype=torch.float32, output_loading_info=True)
    finetune_reference.fill_new_tensors(model, set(info["missing_keys"]), how)
    return model.train()


def run_theirs(args, kind, recipe, rows):
    how = types.SimpleNamespace(model=common.encoder_folder(), recipe=recipe, seed=args.seed, lr=args.lr, epochs=1,
                                batch_size=args.batch_size, no_shuffle=False, weight_decay=None, head_lr=None,
                                layer_lr_decay=1.0)
    model = load_reference(args, kind, how)
    tokenizer = AutoTokenizer.from_pretrained(common.encoder_folder())
    coded = tokenizer([row["text"] for row in rows], truncation=True, max_length=128, return_token_type_ids=True)
    coded, targets = (coded["input_ids"], coded["token_type_ids"]), targets_of(kind, rows)
    optimizer = finetune_reference.make_optimizer(model, how)
    found, order = {}, list(finetune_reference.batches(how, len(rows)))
    for step, batch in enumerate(order):
        for group in optimizer.param_groups:
            group["lr"] = finetune_reference.learning_rate(how, step, len(order))
        optimizer.zero_grad()
        loss = loss_of(kind, model(**finetune_reference.collate(coded, batch)).logits, targets[batch])
        loss.backward()
        finetune_reference.clip_gradients(model, recipe, 1.0)
        optimizer.step()
        found[step + 1] = loss.item()
    return found


def compare_losses(verdict, args, kind, recipe, rows, out):
    ours, theirs = run_ours(args, kind, recipe, rows, out), run_theirs(args, kind, recipe, rows["train"])
    if len(ours) != args.steps or ours.keys() != theirs.keys():
        sys.exit(f"{kind}, {recipe}: {len(ours)} and {len(theirs)} steps, expected {args.steps}")
    figures = {step: abs(ours[step] - theirs[step]) / theirs[step] for step in ours}
    worst = max(figures, key=figures.get)
    verdict.expect(f"{kind}, {recipe}: {len(ours)} steps, worst loss", figures[worst], LOSSES)
    print(f"    at step {worst}; from {ours[1]:.6g} to {ours[len(ours)]:.6g}", flush=True)


# ---- gradients -----------------------------------------------------------------------------------

def compare_gradients(verdict, args, kind, rows, work):
    folder = f"{work}/{kind}"
    common.save_encoder_with_head(common.encoder_folder(), folder, args.seed, len(names_of(kind)), PROBLEMS[kind])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    coded = [tokenizer(row["text"], truncation=True, max_length=128)["input_ids"] for row in rows[:args.batch_size]]
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in coded])])
    targets = targets_of(kind, rows[:len(coded)])
    inputs = {"ids": np.concatenate(coded), "types": np.zeros(starts[-1]), "starts": starts,
              "labels": np.zeros(len(coded))}
    if kind == "classification":
        inputs["labels"] = targets.numpy()
    if kind == "multilabel":
        inputs["labels"] = np.nonzero(targets.numpy())[1]
        inputs["label_starts"] = np.concatenate([[0], np.cumsum(targets.sum(1).numpy())])
    inputs = {name: np.ascontiguousarray(value, dtype=np.int32) for name, value in inputs.items()}
    inputs["values"] = (targets.numpy() if kind == "regression" else np.zeros(len(coded))).astype(np.float32)
    if kind == "multilabel":
        inputs |= {"class_weights": np.array(WEIGHTS, np.float64), "smoothing": np.zeros(1)}
    ours = common.probe(args, "gradients", folder, inputs, work)
    model = common.load_model(folder)
    model.zero_grad()
    for s, ids in enumerate(coded):
        logits = model(input_ids=torch.tensor(ids)[None]).logits
        (loss_of(kind, logits, targets[s:s + 1]) / len(coded)).backward()
    wanted = {f"grad.{name}": p.grad.numpy() for name, p in model.named_parameters()}
    worst, name = max(relative_errors(ours, wanted))
    verdict.expect(f"{kind}: worst of {len(wanted)} gradients", worst, GRADIENTS)
    print(f"    worst: {name.removeprefix('grad.')}", flush=True)


# ---- the saved model -----------------------------------------------------------------------------

def probabilities(kind, logits):
    """What pipeline makes of logits."""
    z = np.asarray(logits, np.float64)
    if kind == "multilabel":
        return 1 / (1 + np.exp(-z))
    if kind == "regression":
        return z
    powers = np.exp(z - z.max())
    return powers / powers.sum()


def compare_saved(verdict, args, kind, out):
    model = common.load_model(out)
    if type(model).__name__ != "BertForSequenceClassification" or model.config.problem_type != PROBLEMS[kind]:
        sys.exit(f"{out}: loads as {type(model).__name__} with problem_type {model.config.problem_type}")
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(out), top_k=None)
    texts = [json.loads(line)["text"] for line in open(pathlib.Path(out).parent / "dev.jsonl")]
    rows = [json.loads(line) for line in open(f"{out}/predictions.dev.jsonl")]
    worst = 0.0
    for row, theirs in zip(rows, (classify([text])[0] for text in texts), strict=True):
        ours = dict(zip(names_of(kind), probabilities(kind, row["logits"]), strict=True))
        if {score["label"] for score in theirs} != set(ours):
            sys.exit(f"{out}: pipeline has other labels: {theirs[:3]} ...")
        worst = max(worst, *(abs(score["score"] - ours[score["label"]]) / max(1, abs(score["score"])) for score in theirs))
        if kind == "multilabel":
            expected = [name for name in names_of(kind) if ours[name] >= 0.5]
        else:
            expected = row["logits"][0] if kind == "regression" else max(ours, key=ours.get)
        if row["prediction"] != expected:
            sys.exit(f"{out}: row {row['row']} is predicted as {row['prediction']}, expected {expected}")
    verdict.expect(f"{kind}: worst of {len(rows)} rows from pipeline", worst, PROBABILITIES)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--recipes", nargs="+", default=["hf", "google"])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-5)
    args = common.parse(parser)
    common.need_encoder(args)
    verdict = common.Verdict()
    for kind in args.kinds:
        rows = {"train": read_rows(args, "train", kind, args.steps * args.batch_size),
                "dev": read_rows(args, "dev", kind, 64)}
        with tempfile.TemporaryDirectory() as work:
            compare_gradients(verdict, args, kind, rows["train"], work)
            for recipe in args.recipes:
                compare_losses(verdict, args, kind, recipe, rows, f"{work}/{recipe}")
            compare_saved(verdict, args, kind, f"{work}/{args.recipes[0]}")
    verdict.exit()


if __name__ == "__main__":
    main()
