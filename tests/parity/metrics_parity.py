"""bertc's metrics against scikit-learn and scipy on random predictions.

    python3 tests/parity/metrics_parity.py [--library build/release/libbertc.so] [--rounds 300]

Each round writes a dev file of a task with random labels, reads it with the library, and compares the scores of random
logits by bertc_task_score with the reference: balanced and unbalanced classes, ties, constants, one example or
thousands. Prints the number of values compared and the largest difference. Exits 77 if the library or a package is
absent, 1 if a value has a relative difference of more than 1e-12.
"""
import argparse
import ctypes
import math
import os
import sys
import tempfile
import warnings

TOLERANCE = 1e-12
DEV = 1
METRICS = ("accuracy", "f1", "matthews", "pearson", "spearman")  # in the order of bertc_metric
HEADERS = {
    "cola": None,
    "sst2": "sentence\tlabel",
    "mrpc": "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
    "mnli": "sentence1\tsentence2\tgold_label",
    "stsb": "sentence1\tsentence2\tscore",
}
ROWS = {
    "cola": "source\t{}\t\ttext",
    "sst2": "text\t{}",
    "mrpc": "{}\t1\t2\ta\tb",
    "mnli": "a\tb\t{}",
    "stsb": "a\tb\t{}",
}
FOLDERS = {"cola": "CoLA", "sst2": "SST-2", "mrpc": "MRPC", "mnli": "MNLI", "stsb": "STS-B"}
FILES = {"mnli": "dev_matched.tsv"}
NLI = ("entailment", "neutral", "contradiction")


class Scores(ctypes.Structure):
    _fields_ = [("value", ctypes.c_double * len(METRICS)), ("loss", ctypes.c_double),
                ("examples", ctypes.c_size_t), ("alike", ctypes.c_size_t)]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


def skip(reason):
    print(f"metrics parity skipped: {reason}")
    sys.exit(77)


def load(path):
    if not os.path.exists(path):
        skip(f"{path} is not built")
    library = ctypes.CDLL(os.path.abspath(path))
    library.bertc_task_find.restype = ctypes.c_void_p
    library.bertc_dataset_read.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t,
                                           ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(Error)]
    library.bertc_task_score.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(Scores),
                                         ctypes.POINTER(Error)]
    library.bertc_dataset_free.argtypes = [ctypes.c_void_p]
    return library


def bertc_scores(library, root, task, labels, logits):
    """Write the labels as the task's dev file, read it back through the library and score."""
    folder = os.path.join(root, FOLDERS[task])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, FILES.get(task, "dev.tsv")), "w", encoding="utf-8") as out:
        if HEADERS[task]:
            out.write(HEADERS[task] + "\n")
        for label in labels:
            out.write(ROWS[task].format(NLI[label] if task == "mnli" else label) + "\n")
    data, error, scores = ctypes.c_void_p(), Error(), Scores()
    status = library.bertc_dataset_read(library.bertc_task_find(task.encode()), root.encode(), DEV, 0,
                                        ctypes.byref(data), ctypes.byref(error))
    if status == 0:
        status = library.bertc_task_score(data, logits.ctypes.data, ctypes.byref(scores), ctypes.byref(error))
    library.bertc_dataset_free(data)
    if status != 0:
        sys.exit(f"bertc: {error.message.decode()}")
    return dict(zip(METRICS, scores.value), loss=scores.loss)


def reference_classes(np, labels, logits):
    from scipy.special import logsumexp
    from sklearn import metrics
    logits = logits.astype(np.float64)
    predicted = logits.argmax(axis=1)
    out = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "matthews": metrics.matthews_corrcoef(labels, predicted),
        "loss": float(np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels])),
    }
    if logits.shape[1] == 2:
        out["f1"] = metrics.f1_score(labels, predicted, zero_division=0)
    return out


def reference_values(np, targets, values):
    from scipy import stats
    targets, values = targets.astype(np.float64), values.astype(np.float64)
    out = {"loss": float(np.mean((targets - values) ** 2))}
    if len(targets) > 1:
        out["pearson"] = float(stats.pearsonr(targets, values).statistic)
        out["spearman"] = float(stats.spearmanr(targets, values).statistic)
    else:
        out["pearson"] = out["spearman"] = math.nan
    return out


def draw_classes(np, rng, classes):
    """Random labels, balanced or not (also a single class), and logits that predict them well, badly or not at all."""
    count = int(rng.choice([1, 2, 5, 50, 1000, 5000]))
    share = rng.dirichlet(np.full(classes, rng.choice([0.05, 1.0, 20.0])))
    labels = rng.choice(classes, size=count, p=share)
    logits = rng.normal(0, 1, (count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += np.float32(rng.choice([-3.0, 0.0, 0.5, 3.0]))
    if rng.random() < 0.3:
        logits = np.round(logits)  # many ties
    if rng.random() < 0.1:
        logits[:] = logits[0]  # one prediction for all
    if rng.random() < 0.1:
        logits *= np.float32(1e4)
    return labels, np.ascontiguousarray(logits, dtype=np.float32)


def draw_values(np, rng):
    count = int(rng.choice([1, 2, 3, 50, 1000, 5000]))
    targets = np.round(rng.uniform(0, 5, count), int(rng.integers(0, 4)))
    values = targets * rng.choice([-1.0, 0.0, 0.1, 1.0]) + rng.normal(0, 1, count)
    if rng.random() < 0.3:
        values = np.round(values)  # many ties
    if rng.random() < 0.1:
        values[:] = 0.1
    if rng.random() < 0.1:
        targets[:] = 3.3
    return targets, np.ascontiguousarray(values.reshape(-1, 1), dtype=np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default="build/release/libbertc.so")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        import numpy as np
        import scipy  # noqa: F401
        import sklearn  # noqa: F401
    except ImportError as missing:
        skip(f"no {missing.name}")
    warnings.simplefilter("ignore")  # the reference warns of degenerate cases, which are intended here
    library = load(options.library)
    rng = np.random.default_rng(options.seed)
    compared = wrong = 0
    worst = 0.0
    with tempfile.TemporaryDirectory() as root:
        for turn in range(options.rounds):
            task = tuple(HEADERS)[turn % len(HEADERS)]
            if task == "stsb":
                labels, logits = draw_values(np, rng)
                expected = reference_values(np, labels.astype(np.float32), logits[:, 0])
            else:
                labels, logits = draw_classes(np, rng, 3 if task == "mnli" else 2)
                expected = reference_classes(np, labels, logits)
            got = bertc_scores(library, root, task, labels, logits)
            for name, value in expected.items():
                compared += 1
                if math.isnan(value) and math.isnan(got[name]):
                    continue
                difference = abs(got[name] - value) / max(1.0, abs(value))
                if not difference <= TOLERANCE:
                    wrong += 1
                    print(f"round {turn}: {task} {name}: {got[name]!r}, expected {value!r}, {len(labels)} examples")
                else:
                    worst = max(worst, difference)
    print(f"{compared} values compared, {wrong} differ, largest difference {worst:.1e}")
    sys.exit(1 if wrong else 0)


main()
