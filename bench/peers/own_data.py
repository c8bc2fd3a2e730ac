"""Fine-tune on one's own table with PyTorch and transformers, as `bertc finetune --task custom` does.

A table has the text in its first column and the label, or with --kind multilabel the labels separated by commas, in
its second one. A .csv has a header and quotes; any other file is a TSV without either. Classes are in the order of
their names, numbers in that of their values. Recipe, order of the examples and weights of the new head are those of
finetune_reference.py; the loss of several labels is the mean of the binary cross entropies.

Prints one JSON object per run, with metrics by scikit-learn, and appends it to --results if given.
"""
import argparse
import csv
from dataclasses import dataclass

import numpy as np

import finetune_reference
import glue

KINDS = ("classification", "multilabel")


@dataclass(frozen=True)
class Task:
    """What finetune_reference asks of a task."""
    names: tuple
    is_regression: bool = False


def read_table(path):
    """The texts and the label cells of a table."""
    if path.endswith(".csv"):
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))[1:]
    else:
        rows = glue.read_rows(path)
    return [row[0] for row in rows], [row[1] for row in rows]


def sets_of(cells, kind):
    """The labels of every example."""
    return [cell.split(",") if kind == "multilabel" else [cell] for cell in cells]


def class_names(sets):
    """All labels, in the order of their ids."""
    names = {name for labels in sets for name in labels}
    return tuple(sorted(names, key=int if all(name.isdigit() for name in names) else None))


def make_split(texts, sets, names, kind):
    """Examples with the numbers of their classes, or with a row of 0 and 1, one column a class."""
    ids = {name: i for i, name in enumerate(names)}
    if kind == "classification":
        return glue.Split(texts, None, np.array([ids[name] for (name,) in sets], np.int64))
    labels = np.zeros((len(sets), len(names)), np.float32)
    for row, example in enumerate(sets):
        labels[row, [ids[name] for name in example]] = 1
    return glue.Split(texts, None, labels)


def score(logits, labels):
    """The metrics of classes, or of sets of labels with a threshold of 0.5."""
    from sklearn import metrics
    if labels.ndim == 1:
        predicted = logits.argmax(-1)
        return {"accuracy": metrics.accuracy_score(labels, predicted),
                "f1_macro": metrics.f1_score(labels, predicted, average="macro", zero_division=0)}
    predicted = logits > 0
    return {"f1_micro": metrics.f1_score(labels, predicted, average="micro", zero_division=0),
            "f1_macro": metrics.f1_score(labels, predicted, average="macro", zero_division=0),
            "average_precision": metrics.average_precision_score(labels, logits, average="macro"),
            "auc": metrics.roc_auc_score(labels, logits, average="macro"),
            "subset_accuracy": metrics.accuracy_score(labels, predicted)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="custom", help="a name for the JSON object")
    parser.add_argument("--train", required=True, help="the table to train on")
    parser.add_argument("--dev", required=True, help="the table to evaluate on")
    parser.add_argument("--kind", default=KINDS[0], choices=KINDS)
    finetune_reference.add_options(parser)
    return parser.parse_args()


def main():
    args = parse_arguments()
    tables = [read_table(path) for path in (args.train, args.dev)]
    sets = [sets_of(cells, args.kind) for _, cells in tables]
    task = Task(class_names(sets[0]))
    splits = [make_split(texts, own, task.names, args.kind) for (texts, _), own in zip(tables, sets)]
    finetune_reference.report(args, task, *splits, score)


if __name__ == "__main__":
    main()
