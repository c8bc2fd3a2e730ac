"""Fine-tune a BERT classifier with PyTorch and transformers: the run that `bertc finetune` is compared with.

The order of the examples and the weights of a new head come from bertc_random, so both programs see the
same batches and start from the same point.  Dropout comes from torch's own generator and differs.

Prints one JSON object per run, and appends it to --results if given.
"""
import argparse
import json
import math
import resource
import sys
import time
from itertools import chain

import numpy as np
import torch
import transformers
from transformers import AttentionInterface, AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

import bertc_random
import glue


class GoogleAdam:
    """The optimiser of Google's BERT code: Adam without bias correction, decay added to the update.

        m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g g;   p -= lr (m / (sqrt(v) + eps) + decay p)
    """

    def __init__(self, groups, betas=(0.9, 0.999), eps=1e-6):
        self.param_groups = [dict(group, lr=0.0) for group in groups]
        self.betas, self.eps = betas, eps
        for group in self.param_groups:
            group["m"] = [torch.zeros_like(p) for p in group["params"]]
            group["v"] = [torch.zeros_like(p) for p in group["params"]]

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for group in self.param_groups:
            for p, m, v in zip(group["params"], group["m"], group["v"]):
                if p.grad is None:
                    continue
                m.mul_(b1).add_(p.grad, alpha=1.0 - b1)
                v.mul_(b2).addcmul_(p.grad, p.grad, value=1.0 - b2)
                update = m / (v.sqrt() + self.eps)
                if group["weight_decay"]:
                    update.add_(p, alpha=group["weight_decay"])
                p.sub_(update, alpha=group["lr"])

    def zero_grad(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None


def stage(name, layers):
    """The stage of a parameter: 0 embeddings, 1 + l layer l, then pooler and head."""
    if ".embeddings." in name:
        return 0
    if ".layer." in name:
        return 1 + int(name.split(".layer.")[1].split(".")[0])
    return layers + 1 if ".pooler." in name else layers + 2


def frozen_stages(word, layers):
    """The number of frozen stages for an argument of --freeze."""
    frozen = {"none": 0, "embeddings": 1, "all": layers + 2}.get(word)
    return 1 + int(word) if frozen is None else frozen


def unfreeze_steps(args, layers, epoch_steps):
    """Pairs of a step and the number of stages that are frozen from that step on."""
    entries = (entry.split(":") for entry in args.unfreeze_schedule.split(",") if entry)
    first = 1 + layers if args.feature_layer else frozen_stages(args.freeze, layers)
    return [(0, first)] + [
        (math.ceil(float(epoch) * epoch_steps), frozen_stages(word, layers)) for epoch, word in entries]


def freeze(model, args, frozen):
    """Freeze the first `frozen` stages and the parameters that --train-only excludes."""
    layers = model.config.num_hidden_layers
    for name, parameter in model.named_parameters():
        left_out = args.train_only == "bias" and stage(name, layers) < layers + 2 and not name.endswith(".bias")
        parameter.requires_grad_(not left_out and stage(name, layers) >= frozen)


def add_adapters(model, args):
    """The model with peft's adapters, initialized as in bertc; only the adapters and the head are trained."""
    from peft import LoraConfig, TaskType, get_peft_model
    first, layers = max(frozen_stages(args.freeze, model.config.num_hidden_layers) - 1, 0), model.config.num_hidden_layers
    targets = args.lora_targets.split(",")
    if targets == ["all"]:
        targets = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
    model = get_peft_model(model, LoraConfig(
        task_type=TaskType.SEQ_CLS, r=args.lora_rank, lora_alpha=args.lora_alpha, target_modules=targets,
        layers_to_transform=list(range(first, layers))))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_A." in name:
                plain = name.removeprefix("base_model.model.").replace(".default.", ".")
                parameter.copy_(torch.from_numpy(bertc_random.initial_adapter(args.seed, plain, tuple(parameter.shape))))
    return model


def groups_of(model, args, decay):
    """Trained parameters, grouped by their learning rate scale and weight decay."""
    layers, groups = model.config.num_hidden_layers, {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        above = layers + 2 - stage(name, layers)
        part = args.layer_lr_decay ** above if above or args.head_lr is None else args.head_lr / args.lr
        own = 0.0 if "LayerNorm" in name or name.endswith("bias") else decay
        groups.setdefault((part, own), []).append(parameter)
    return [{"params": parameters, "part": part, "weight_decay": own} for (part, own), parameters in groups.items()]


def make_optimizer(model, args):
    if args.recipe == "google":
        return GoogleAdam(groups_of(model, args, 0.01 if args.weight_decay is None else args.weight_decay))
    return torch.optim.AdamW(groups_of(model, args, args.weight_decay or 0.0), lr=args.lr, betas=(0.9, 0.999), eps=1e-8,
                             fused=True)


def learning_rate(args, step, total):
    """The learning rate of a step, counted from 0; the hf recipe has no warm-up."""
    warmup = total // 10 if args.recipe == "google" else 0
    if step < warmup:
        return args.lr * step / warmup
    return args.lr * (total - step) / total


def clip_gradients(model, recipe, limit):
    """Scale the gradient to a norm of at most `limit`; return its norm before scaling.

    torch divides by norm + 1e-6, TensorFlow's clip_by_global_norm by the norm alone.
    """
    if recipe == "hf":
        return torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(grads).item()
    if norm > limit:
        torch._foreach_mul_(grads, limit / norm)
    return norm


def load_config(task, args):
    config = AutoConfig.from_pretrained(args.model)
    config.num_hidden_layers = args.feature_layer or args.keep_layers or config.num_hidden_layers
    if task.is_regression:
        config.num_labels = 1
    else:
        config.id2label = dict(enumerate(task.names))
        config.label2id = {name: i for i, name in enumerate(task.names)}
    config.problem_type = "regression" if task.is_regression else "single_label_classification"
    if args.dropout is not None:
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = args.dropout
        config.classifier_dropout = args.dropout
    return config


@torch.no_grad()
def fill_new_tensors(model, names, args):
    """Give bertc's initial values to tensors that the checkpoint lacks or has for other labels."""
    expected = {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    if unknown := set(names) - expected:
        raise ValueError(f"{args.model}: the checkpoint lacks {sorted(unknown)}")
    parameters = dict(model.named_parameters())
    for name in sorted(names):
        tensor = parameters[name]
        if name.endswith("bias"):
            tensor.zero_()
        else:
            tensor.copy_(torch.from_numpy(bertc_random.initial_weight(
                args.seed, name, tuple(tensor.shape), model.config.initializer_range, args.recipe == "google")))


def load_model(task, args):
    model, info = AutoModelForSequenceClassification.from_pretrained(
        args.model, config=load_config(task, args), dtype=torch.float32,
        attn_implementation="unpadded" if args.packed else args.attention, output_loading_info=True, ignore_mismatched_sizes=True)
    anew = ("bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias")
    anew = anew if args.feature_layer else ()
    fill_new_tensors(model, {*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"]), *anew}, args)
    return model


def encode(tokenizer, split, max_length):
    """Token ids and segment ids of every example, cut to max_length and not padded."""
    texts = (split.first,) if split.second is None else (split.first, split.second)
    coded = tokenizer(*texts, truncation=True, max_length=max_length, padding=False, return_token_type_ids=True)
    return coded["input_ids"], coded["token_type_ids"]


def collate(coded, rows, minimum=0):
    """The rows of a batch, padded with zeros to the longest of them and to at least `minimum` tokens."""
    ids, types = coded
    shape = (len(rows), max(minimum, max(len(ids[r]) for r in rows)))
    padded_ids, padded_types, mask = (np.zeros(shape, np.int64) for _ in range(3))
    for line, row in enumerate(rows):
        length = len(ids[row])
        padded_ids[line, :length] = ids[row]
        padded_types[line, :length] = types[row]
        mask[line, :length] = 1
    return {"input_ids": torch.from_numpy(padded_ids), "token_type_ids": torch.from_numpy(padded_types),
            "attention_mask": torch.from_numpy(mask)}


def batches(args, count):
    """Every batch of the run, as example numbers; the last one of an epoch may be small."""
    for epoch in range(args.epochs):
        order = np.arange(count) if args.no_shuffle else bertc_random.shuffled_order(args.seed, epoch, count)
        for start in range(0, count, args.batch_size):
            yield order[start:start + args.batch_size]


def unpadded_attention(module, query, key, value, attention_mask, dropout, scaling, slots, shape, **_):
    """The attention of sequences that are packed in one row, padded for the two products alone.

    query, key and value are (1, heads, tokens, size); a token's place among the `shape` = (sequences, longest)
    padded ones is in `slots`; attention_mask is added to the scores.  With dropout this is faster than sdpa.
    """
    heads, size = query.shape[1], query.shape[3]

    def pad(x):
        rows = x.new_zeros(shape[0] * shape[1], heads * size)
        rows[slots] = x.transpose(1, 2).reshape(-1, heads * size)
        return rows.view(*shape, heads, size).transpose(1, 2)

    scores = (pad(query) * scaling) @ pad(key).transpose(2, 3) + attention_mask
    weights = torch.nn.functional.dropout(scores.softmax(-1), dropout, module.training)
    mixed = (weights @ pad(value)).transpose(1, 2).reshape(-1, heads * size)
    return mixed[slots].view(1, -1, heads, size), None


AttentionInterface.register("unpadded", unpadded_attention)


def unpadded_logits(model, coded, examples):
    """The model's logits with its encoder run on the real tokens alone, all of them in one row."""
    ids, types = coded
    lengths = torch.tensor([len(ids[e]) for e in examples])
    ends = lengths.cumsum(0)
    longest = lengths.max().item()
    real = torch.arange(longest) < lengths[:, None]
    tokens, segments = (torch.tensor([list(chain.from_iterable(part[e] for e in examples))]) for part in (ids, types))
    positions = torch.arange(longest).expand_as(real)[real][None]
    mask = torch.zeros(real.shape).masked_fill_(~real, -torch.inf)[:, None, None, :]
    hidden = model.bert.embeddings(tokens, segments, positions)
    hidden = model.bert.encoder(hidden, attention_mask=mask, slots=real.flatten().nonzero().squeeze(1),
                                shape=tuple(real.shape)).last_hidden_state
    pooled = model.bert.pooler(hidden[0, ends - lengths].unsqueeze(1))
    return model.classifier(model.dropout(pooled))


def batch_logits(model, coded, rows, args):
    """The logits of a batch, in f32, and the tokens that the linear layers computed for them."""
    with torch.autocast("cpu", torch.bfloat16, enabled=args.autocast == "bf16"):
        if args.packed:
            return unpadded_logits(model, coded, rows).float(), sum(len(coded[0][row]) for row in rows)
        inputs = collate(coded, rows, args.pad_to)
        return model(**inputs).logits.float(), inputs["input_ids"].numel()


def mean_loss(logits, labels, **objective):
    """Cross entropy, in training with its objective; binary cross entropy for sets of labels; mean squared error."""
    if labels.ndim == 2:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    if logits.shape[1] == 1:
        return torch.nn.functional.mse_loss(logits.squeeze(-1), labels)
    return torch.nn.functional.cross_entropy(logits, labels, **objective)


def objective_of(args, labels, classes):
    """The options of cross_entropy; balanced weights are those of scikit-learn."""
    if classes == 1 or labels.ndim == 2:
        return {}
    weight = None
    if args.class_weights == "balanced":
        weight = torch.from_numpy(len(labels) / (classes * np.bincount(labels, minlength=classes))).float()
    elif args.class_weights != "none":
        weight = torch.tensor([float(w) for w in args.class_weights.split(",")])
    return {"weight": weight, "label_smoothing": args.label_smoothing}


def train_step(model, optimizer, coded, labels, rows, rate, objective, args):
    """One update over `rows`; returns the loss, the gradient norm before clipping and the tokens computed."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["part"]
    optimizer.zero_grad()
    logits, computed = batch_logits(model, coded, rows, args)
    loss = mean_loss(logits, labels[rows], **objective)
    loss.backward()
    norm = clip_gradients(model, args.recipe, args.max_grad_norm)
    optimizer.step()
    return loss.item(), norm, computed


def train(model, coded, labels, args):
    """Train; returns steps, real tokens, padded tokens and seconds."""
    epoch_steps = math.ceil(len(labels) / args.batch_size)
    total = args.schedule_steps or args.epochs * epoch_steps
    schedule = [] if args.lora_rank else unfreeze_steps(args, model.config.num_hidden_layers, epoch_steps)
    if args.lora_rank:
        model = add_adapters(model, args)
    else:
        freeze(model, args, schedule[-1][1])
    optimizer = make_optimizer(model, args)
    log = open(args.loss_log, "w") if args.loss_log else None
    objective = objective_of(args, labels, model.config.num_labels)
    labels = torch.from_numpy(labels)
    steps = tokens = padded = 0
    model.train()
    started = time.perf_counter()
    for steps, rows in enumerate(batches(args, len(labels)), start=1):
        rate = learning_rate(args, steps - 1, total)
        for frozen in (frozen for step, frozen in schedule if step == steps - 1):
            freeze(model, args, frozen)
        loss, norm, wide = train_step(model, optimizer, coded, labels, rows, rate, objective, args)
        tokens += sum(len(coded[0][row]) for row in rows)
        padded += wide
        seconds = time.perf_counter() - started
        if log:
            print(json.dumps({"step": steps, "loss": loss, "lr": rate, "grad_norm": norm, "tokens": tokens,
                              "seconds": round(seconds, 4)}), file=log, flush=True)
        if steps % 50 == 0 or steps == 10:
            print(f"step {steps}/{total} loss {loss:.4f} {seconds / steps:.3f} s/step", file=sys.stderr, flush=True)
        if steps == args.steps:
            break
    return steps, tokens, padded, time.perf_counter() - started


@torch.inference_mode()
def predict(model, coded, args):
    """Logits of every example, in file order; computed in order of length to pad little."""
    model.eval()
    order = sorted(range(len(coded[0])), key=lambda i: len(coded[0][i]))
    logits = np.zeros((len(order), model.config.num_labels), np.float32)
    for start in range(0, len(order), args.batch_size):
        rows = order[start:start + args.batch_size]
        logits[rows] = batch_logits(model, coded, rows, args)[0].numpy()
    return logits


def run(args, task, train_split, dev_split, score):
    """Fine-tune on a split and evaluate on another; `score` makes metrics of logits and labels."""
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = load_model(task, args)
    if args.limit_train:
        train_split = train_split.head(args.limit_train)
    if args.limit_eval:
        dev_split = dev_split.head(args.limit_eval)
    train_coded, dev_coded = (encode(tokenizer, s, args.max_length) for s in (train_split, dev_split))
    steps, tokens, padded, seconds = train(model, train_coded, train_split.labels, args)
    started = time.perf_counter()
    logits = predict(model, dev_coded, args)
    eval_seconds = time.perf_counter() - started
    if args.save:
        model.save_pretrained(args.save)
        tokenizer.save_pretrained(args.save)
    loss = mean_loss(torch.from_numpy(logits), torch.from_numpy(dev_split.labels)).item()
    metrics = {k: (v if math.isfinite(v) else None) for k, v in score(logits, dev_split.labels).items()}
    return {"task": args.task, "seed": args.seed, "recipe": args.recipe, "epochs": args.epochs, "metrics": metrics,
            "loss": loss, "train_seconds": round(seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "steps": steps, "train_tokens": tokens, "padded_tokens": padded, "packed": args.packed,
            "pad_to": args.pad_to, "autocast": args.autocast,
            "eval_seconds": round(eval_seconds, 2), "threads": args.threads,
            "torch": torch.__version__, "transformers": transformers.__version__}


def add_options(parser):
    """The options of a run, without those that name its data."""
    parser.add_argument("--model", required=True, help="a model directory in the transformers layout")
    parser.add_argument("--recipe", default="hf", choices=("hf", "google"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--weight-decay", type=float, help="default: 0 for hf, 0.01 for google")
    parser.add_argument("--keep-layers", type=int, default=0, help="train only the first N layers; 0: all")
    parser.add_argument("--feature-layer", type=int, default=0, help="train pooler and head on this layer; 0: the last")
    parser.add_argument("--freeze", default="none", help="none, embeddings, all, or a number of layers")
    parser.add_argument("--unfreeze-schedule", default="", help="EPOCH:FREEZE,...: what is frozen from an epoch on")
    parser.add_argument("--train-only", default="all", choices=("all", "bias"))
    parser.add_argument("--head-lr", type=float)
    parser.add_argument("--lora-rank", type=int, default=0, help="train adapters of this rank, with peft, and the head")
    parser.add_argument("--lora-alpha", type=float, default=8.0)
    parser.add_argument("--lora-targets", default="query,value", help="module names of peft, or all")
    parser.add_argument("--layer-lr-decay", type=float, default=1.0)
    parser.add_argument("--class-weights", default="none", help="none, balanced, or W,W,... in the order of the labels")
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--dropout", type=float, help="hidden, attention and classifier dropout; default: the config's")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--steps", type=int, help="stop after N steps; the schedule does not change")
    parser.add_argument("--schedule-steps", type=int, help="the schedule's total; default: the steps of all epochs")
    parser.add_argument("--no-shuffle", action="store_true", help="take the examples in file order")
    parser.add_argument("--limit-train", type=int, help="train on the first N examples of the file")
    parser.add_argument("--limit-eval", type=int, help="evaluate on the first N examples of the file")
    parser.add_argument("--packed", action="store_true",
                        help="pad in the attention products alone: the same result in less time (BERT classifiers)")
    parser.add_argument("--pad-to", type=int, default=0,
                        help="pad every batch to at least N tokens; default: to its longest example")
    parser.add_argument("--autocast", choices=("bf16",), help="run forward and backward under torch.autocast")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--attention", default="sdpa", choices=("sdpa", "eager"))
    parser.add_argument("--loss-log", help="write one JSON object per step to this file")
    parser.add_argument("--save", help="write the trained model to this directory")
    parser.add_argument("--results", help="append the run's JSON object to this file")


def report(args, task, train_split, dev_split, score):
    """Run, print the JSON object and append it to --results."""
    torch.set_num_threads(args.threads)
    line = json.dumps(run(args, task, train_split, dev_split, score))
    print(line)
    if args.results:
        with open(args.results, "a") as file:
            print(line, file=file)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True, choices=sorted(set(glue.TASKS) - {"ax"}))
    parser.add_argument("--data", required=True, help="the GLUE root, or the task's own folder")
    add_options(parser)
    return parser.parse_args()


def main():
    args = parse_arguments()
    task = glue.TASKS[args.task]
    splits = [glue.read_split(task, args.data, name) for name in ("train", "dev")]
    report(args, task, *splits, lambda logits, labels: glue.score(task, logits, labels))


if __name__ == "__main__":
    main()
