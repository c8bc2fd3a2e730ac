"""Sixteen losses of three tasks on one encoder, in bertc and in PyTorch: one BertModel, a head for each.

The real encoder without dropout, in both recipes and every --task-sampling. A head has no gradient and no AdamW update
in a step of another task. The tasks must come in the same order, and the relative difference of the losses may be 1e-4
at every step. Then transformers loads each task's folder and finds the task's labels.
"""
import json
import pathlib
import sys
import tempfile

import common
import numpy as np
import torch

sys.path.insert(0, str(common.REPOSITORY / "bench" / "peers"))
import bertc_random  # noqa: E402
import finetune_reference as reference  # noqa: E402
import glue  # noqa: E402

BOUND = 1e-4
TASKS = ("sst2", "cola", "stsb")
STEPS, BATCH, EPOCHS = 16, 16, 2
LIMIT = {"sst2": 64, "cola": 48, "stsb": 33}  # the first ten steps are an epoch


class SharedEncoder(torch.nn.Module):
    """One encoder and a linear head for each task, with the same initial weights as bertc's."""

    def __init__(self, args):
        super().__init__()
        whole = reference.load_model(glue.TASKS[TASKS[0]], args)
        self.bert, self.config = whole.bert, whole.config
        self.heads = torch.nn.ModuleDict()
        for name in TASKS:
            task = glue.TASKS[name]
            self.heads[name] = head = torch.nn.Linear(self.config.hidden_size, 1 if task.is_regression else len(task.names))
            weight = bertc_random.initial_weight(args.seed, f"{name}.classifier.weight", tuple(head.weight.shape),
                                                 self.config.initializer_range, args.recipe == "google")
            with torch.no_grad():
                head.weight.copy_(torch.from_numpy(weight))
                head.bias.zero_()

    def forward(self, task, inputs):
        return self.heads[task](self.bert(**inputs).pooler_output)


def chances(sampling, sizes, epoch, epochs):
    """Probabilities of the tasks by Stickland and Murray 2019, section 3.4, with epochs counted from 0."""
    exponent = {"uniform": 0.0, "proportional": 1.0}.get(sampling)
    if exponent is None:
        exponent = 1.0 if epochs < 2 else 1.0 - 0.8 * epoch / (epochs - 1)
    weights = np.asarray(sizes, np.float64) ** exponent
    return weights / weights.sum()


def drawn_task(seed, step, parts):
    high, low, _, _ = (int(word) for word in bertc_random.philox(seed, bertc_random.PURPOSE_TASK << 24, step, 0, 0))
    place = (high << 32 | low) / 2.0**64
    return min(int(np.searchsorted(np.cumsum(parts), place, side="right")), len(parts) - 1)


def reference_arguments(args, recipe):
    """The arguments of the reference script, with its defaults."""
    kept, sys.argv = sys.argv, ["", "--task", TASKS[0], "--model", str(common.encoder_folder()), "--data", "-", "--recipe",
                                recipe, "--lr", "1e-4", "--dropout", "0", "--seed", str(args.seed)]
    try:
        return reference.parse_arguments()
    finally:
        sys.argv = kept


def train_reference(args, recipe, sampling):
    """Train the reference; returns a pair of task and loss for each step."""
    own = reference_arguments(args, recipe)
    tokenizer = reference.AutoTokenizer.from_pretrained(own.model)
    model = SharedEncoder(own).train()
    optimizer = reference.make_optimizer(model, own)
    splits = {name: glue.read_split(glue.TASKS[name], args.data / "glue", "train").head(LIMIT[name]) for name in TASKS}
    coded = {name: reference.encode(tokenizer, split, 128) for name, split in splits.items()}
    labels = {name: torch.from_numpy(split.labels) for name, split in splits.items()}
    sizes = [len(labels[name]) for name in TASKS]
    epoch_steps = sum(-(-size // BATCH) for size in sizes)
    taken, found = dict.fromkeys(TASKS, 0), []
    for step in range(STEPS):
        parts = chances(sampling, sizes, step // epoch_steps, EPOCHS)
        task = TASKS[drawn_task(own.seed, step, parts)]
        epoch, place = divmod(taken[task], -(-len(labels[task]) // BATCH))
        taken[task] += 1
        rows = bertc_random.shuffled_order(own.seed, epoch, len(labels[task]))[place * BATCH:(place + 1) * BATCH]
        for group in optimizer.param_groups:
            group["lr"] = reference.learning_rate(own, step, STEPS) * group["part"]
        optimizer.zero_grad()
        loss = reference.mean_loss(model(task, reference.collate(coded[task], rows)), labels[task][rows])
        loss.backward()
        reference.clip_gradients(model, recipe, own.max_grad_norm)
        optimizer.step()
        found.append((task, loss.item()))
    return found


def subset(data, folder):
    """Write GLUE data with LIMIT training examples of each task."""
    for name in TASKS:
        task = pathlib.Path(glue.TASKS[name].folder)
        (folder / task).mkdir(parents=True)
        lines = (data / "glue" / task / "train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
        head = 0 if name == "cola" else 1
        (folder / task / "train.tsv").write_text("".join(lines[:head + LIMIT[name]]), encoding="utf-8")
        (folder / task / "dev.tsv").symlink_to((data / "glue" / task / "dev.tsv").resolve())


def train_ours(args, recipe, sampling, data, out):
    common.run([args.bertc, "finetune", "--task", ",".join(TASKS), "--task-sampling", sampling, "--model",
                common.encoder_folder(), "--data", data, "--out", out, "--recipe", recipe, "--batch-size", BATCH, "--lr",
                "1e-4", "--max-length", 128, "--dropout", 0, "--seed", args.seed, "--threads", args.threads, "--epochs",
                EPOCHS, "--max-steps", STEPS, "--limit-eval", 16])
    with open(f"{out}/log.jsonl") as file:
        lines = [json.loads(line) for line in file]
    return [(line["task"], line["loss"]) for line in lines if "loss" in line]


def check_folders(verdict, out):
    """Check that each folder loads completely with its task's labels, and that all have the same encoder."""
    encoders = []
    for name in TASKS:
        model = common.load_model(f"{out}/{name}")
        task = glue.TASKS[name]
        wanted = ["LABEL_0"] if task.is_regression else list(task.names)
        given = [model.config.id2label[i] for i in range(model.config.num_labels)]
        verdict.expect(f"{name}: labels of its folder", float(given != wanted), 0)
        encoders.append(model.bert.state_dict())
    same = all(torch.equal(encoders[0][key], other[key]) for other in encoders[1:] for key in encoders[0])
    verdict.expect("encoders of the folders", float(not same), 0)


def main():
    parser = common.arguments(__doc__)
    parser.set_defaults(seed=5)
    args = common.parse(parser)
    common.need_encoder(args)
    verdict = common.Verdict()
    for recipe, sampling in (("hf", "uniform"), ("google", "uniform"), ("hf", "proportional"), ("google", "annealed")):
        with tempfile.TemporaryDirectory() as work:
            data = pathlib.Path(work) / "glue"
            subset(args.data, data)
            ours = train_ours(args, recipe, sampling, data, f"{work}/run")
            theirs = train_reference(args, recipe, sampling)
            order = [task for task, _ in ours]
            if order != [task for task, _ in theirs]:
                sys.exit(f"{sampling}: tasks {order}, expected {[task for task, _ in theirs]}")
            worst = max(abs(a - b) / b for (_, a), (_, b) in zip(ours, theirs))
            verdict.expect(f"{sampling}, {recipe}: {STEPS} steps, worst loss", worst, BOUND)
            print(f"    {' '.join(order)}", flush=True)
            check_folders(verdict, f"{work}/run")
    verdict.exit()


if __name__ == "__main__":
    main()
