"""Read the GLUE data files and score predictions.

The files are not CSV: fields are split on TAB, a quote is a character like any other, a line ends at LF
or CR LF and nowhere else, and a file may open with a byte-order mark.
"""
import os
from dataclasses import dataclass

import numpy as np

ZERO_ONE = ("0", "1")
NLI = ("entailment", "neutral", "contradiction")
ENTAILED = ("entailment", "not_entailment")


@dataclass(frozen=True)
class Task:
    """The columns, labels and metrics of a task.

    `columns` are the header names of text a, text b (or None) and the label; `train_at` and `test_at` are the
    positions used if the header is absent or different.  `spelling` has the labels as written in the files, in the
    order of label ids; `names` has the labels of a saved model.
    """
    folder: str
    columns: tuple
    train_at: tuple
    test_at: tuple
    spelling: tuple
    names: tuple
    metrics: tuple
    train_file: str = "train.tsv"
    dev_file: str = "dev.tsv"
    test_file: str = "test.tsv"
    header: bool = True
    skip_short_rows: bool = False

    @property
    def is_pair(self):
        return self.columns[1] is not None

    @property
    def is_regression(self):
        return not self.names

    @property
    def num_labels(self):
        return max(1, len(self.names))


SENTENCES = ("sentence1", "sentence2", "label")

TASKS = {
    "cola": Task("CoLA", ("sentence", None, None), (3, None, 1), (1, None), ZERO_ONE,
                 ("unacceptable", "acceptable"), ("matthews", "accuracy"), header=False),
    "sst2": Task("SST-2", ("sentence", None, "label"), (0, None, 1), (1, None), ZERO_ONE,
                 ("negative", "positive"), ("accuracy",)),
    "mrpc": Task("MRPC", ("#1 String", "#2 String", "Quality"), (3, 4, 0), (3, 4), ZERO_ONE,
                 ("not_equivalent", "equivalent"), ("f1", "accuracy")),
    "qqp": Task("QQP", ("question1", "question2", "is_duplicate"), (3, 4, 5), (1, 2), ZERO_ONE,
                ("not_duplicate", "duplicate"), ("f1", "accuracy"), skip_short_rows=True),
    "stsb": Task("STS-B", ("sentence1", "sentence2", "score"), (7, 8, 9), (7, 8), (), (),
                 ("pearson", "spearman")),
    "mnli": Task("MNLI", ("sentence1", "sentence2", "gold_label"), (8, 9, -1), (8, 9), NLI, NLI, ("accuracy",),
                 dev_file="dev_matched.tsv", test_file="test_matched.tsv"),
    "mnli-mm": Task("MNLI", ("sentence1", "sentence2", "gold_label"), (8, 9, -1), (8, 9), NLI, NLI, ("accuracy",),
                    dev_file="dev_mismatched.tsv", test_file="test_mismatched.tsv"),
    "qnli": Task("QNLI", ("question", "sentence", "label"), (1, 2, 3), (1, 2), ENTAILED, ENTAILED, ("accuracy",)),
    "rte": Task("RTE", SENTENCES, (1, 2, 3), (1, 2), ENTAILED, ENTAILED, ("accuracy",)),
    "wnli": Task("WNLI", SENTENCES, (1, 2, 3), (1, 2), ZERO_ONE, ("not_entailment", "entailment"), ("accuracy",)),
    "ax": Task("AX", ("sentence1", "sentence2", None), (1, 2, None), (1, 2), NLI, NLI, ("matthews",),
               train_file="", dev_file="", test_file="diagnostic.tsv"),
}


@dataclass
class Split:
    """One file's examples; `second` is None for single sentences and `labels` is None for a test file."""
    first: list
    second: list | None
    labels: np.ndarray | None
    skipped: int = 0

    def __len__(self):
        return len(self.first)

    def head(self, count):
        """The first `count` examples."""
        return Split(self.first[:count], self.second and self.second[:count],
                     None if self.labels is None else self.labels[:count], self.skipped)


def read_rows(path):
    """All rows of a file, each a list of fields; the last newline does not start another row."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8-sig")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r").split("\t") for line in lines]


def column_positions(task, split, header):
    """Positions of a, b and the label: by header name if the header has it, else the default ones."""
    usual = (task.test_at + (None,)) if split == "test" else task.train_at
    named = []
    for name, position in zip(task.columns, usual):
        found = header.index(name) if header and name in header else position
        named.append(None if position is None else found)
    return named


def parse_label(task, text, place):
    """A label as a number: a score for regression, otherwise the label's id."""
    if task.is_regression:
        return float(text)
    if text not in task.spelling:
        raise ValueError(f"{place}: label {text!r}, expected one of {task.spelling}")
    return task.spelling.index(text)


def find_file(task, data, split):
    """The path of a split below the GLUE root, or inside the task's own folder."""
    name = {"train": task.train_file, "dev": task.dev_file, "test": task.test_file}[split]
    below_root = os.path.join(data, task.folder, name)
    return below_root if os.path.exists(below_root) else os.path.join(data, name)


def read_split(task, data, split):
    """Read "train", "dev" or "test" of a task."""
    path = find_file(task, data, split)
    rows = read_rows(path)
    has_header = task.header or split == "test"
    at_a, at_b, at_label = column_positions(task, split, rows[0] if has_header else None)
    needed = 1 + max(p for p in (at_a, at_b, at_label) if p is not None)
    first, second, labels, skipped = [], [], [], 0
    for number, row in enumerate(rows[has_header:], start=1 + has_header):
        if len(row) < needed:
            if not task.skip_short_rows or split == "test":
                raise ValueError(f"{path}:{number}: {len(row)} columns, expected at least {needed}")
            skipped += 1
            continue
        first.append(row[at_a])
        second.append(row[at_b] if task.is_pair else None)
        if at_label is not None:
            labels.append(parse_label(task, row[at_label], f"{path}:{number}"))
    kind = np.float32 if task.is_regression else np.int64
    return Split(first, second if task.is_pair else None, np.array(labels, kind) if labels else None, skipped)


def score(task, logits, labels):
    """The task's metrics, the primary one first."""
    from scipy import stats
    from sklearn import metrics
    if task.is_regression:
        predicted = np.asarray(logits, np.float64).reshape(-1)
    else:
        predicted = np.argmax(logits, axis=-1)
    functions = {
        "accuracy": lambda: metrics.accuracy_score(labels, predicted),
        "f1": lambda: metrics.f1_score(labels, predicted, zero_division=0),
        "matthews": lambda: metrics.matthews_corrcoef(labels, predicted),
        "pearson": lambda: stats.pearsonr(predicted, labels)[0],
        "spearman": lambda: stats.spearmanr(predicted, labels)[0],
    }
    return {name: float(functions[name]()) for name in task.metrics}
