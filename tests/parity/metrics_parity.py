"""bertc's metrics against scikit-learn and scipy on random predictions.

    python3 tests/parity/metrics_parity.py [--library build/release/libbertc.so] [--rounds 5000]

Each round scores random logits of random labels by bertc_task_score and bertc_task_report_classes and compares every
metric with the reference: two or more classes, sets of labels, balanced or not, absent classes, ties, constant
predictions, saturated probabilities, thresholds, one example or thousands. Prints the number of values compared and the largest difference. Exits 77 if
the library or a package is absent, 1 if a value has a relative difference of more than 1e-12.
"""
import argparse
import ctypes
import math
import os
import sys
import warnings

TOLERANCE = 1e-12
DEV = 1
CLASSIFICATION, REGRESSION, MULTILABEL = 0, 1, 2
METRICS = ("accuracy", "f1", "matthews", "pearson", "spearman", "f1_macro", "f1_micro", "f1_weighted", "precision",
           "precision_macro", "precision_micro", "recall", "recall_macro", "recall_micro", "auc", "average_precision",
           "subset_accuracy", "mse", "mae", "r2", "loss")  # in the order of bertc_metric
TWO_CLASSES = {"f1", "precision", "recall"}
VALUES = {"pearson", "spearman", "mse", "mae", "r2", "loss"}
CLASSES = set(METRICS) - VALUES | {"loss"}
SETS = CLASSES - TWO_CLASSES - {"accuracy", "matthews"}


class Scores(ctypes.Structure):
    _fields_ = [("value", ctypes.c_double * len(METRICS)), ("examples", ctypes.c_size_t), ("alike", ctypes.c_size_t)]


class Task(ctypes.Structure):
    """The first members of bertc_task, and bytes for the others."""
    _fields_ = [("name", ctypes.c_char_p), ("folder", ctypes.c_char_p), ("old_folder", ctypes.c_char_p),
                ("title", ctypes.c_char_p), ("pair", ctypes.c_bool), ("kind", ctypes.c_int),
                ("num_labels", ctypes.c_int), ("labels", ctypes.c_void_p), ("file_labels", ctypes.c_void_p),
                ("low", ctypes.c_double), ("high", ctypes.c_double), ("num_metrics", ctypes.c_int),
                ("rest", ctypes.c_char * 4096)]


class Dataset(ctypes.Structure):
    _fields_ = [("task", ctypes.POINTER(Task)), ("split", ctypes.c_int), ("path", ctypes.c_char_p),
                ("count", ctypes.c_size_t), ("examples", ctypes.c_void_p), ("skipped_short", ctypes.c_size_t),
                ("skipped_label", ctypes.c_size_t), ("labelled", ctypes.c_bool),
                ("missing_label_column", ctypes.c_char_p), ("header_columns", ctypes.c_char_p),
                ("num_kept", ctypes.c_size_t), ("kept_names", ctypes.c_void_p), ("kept", ctypes.c_void_p),
                ("text", ctypes.c_char_p), ("thresholds", ctypes.c_void_p), ("label_numbers", ctypes.c_void_p)]


class ClassScores(ctypes.Structure):
    _fields_ = [("examples", ctypes.c_size_t), ("precision", ctypes.c_double), ("recall", ctypes.c_double),
                ("f1", ctypes.c_double)]


class Confusion(ctypes.Structure):
    _fields_ = [("label", ctypes.c_int32), ("predicted", ctypes.c_int32), ("count", ctypes.c_size_t),
                ("share", ctypes.c_double)]


class Report(ctypes.Structure):
    _fields_ = [("num_classes", ctypes.c_int), ("classes", ctypes.POINTER(ClassScores)),
                ("confusions", ctypes.POINTER(Confusion)), ("num_confusions", ctypes.c_size_t)]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


def skip(reason):
    print(f"metrics parity skipped: {reason}")
    sys.exit(77)


def load(path):
    if not os.path.exists(path):
        skip(f"{path} is not built")
    library = ctypes.CDLL(os.path.abspath(path))
    library.bertc_metric_name.restype = ctypes.c_char_p
    arguments = [ctypes.POINTER(Dataset), ctypes.c_void_p]
    library.bertc_task_score.argtypes = arguments + [ctypes.POINTER(Scores), ctypes.POINTER(Error)]
    library.bertc_dataset_set_thresholds.argtypes = arguments + [ctypes.POINTER(Error)]
    library.bertc_task_report_classes.argtypes = arguments + [ctypes.POINTER(Report), ctypes.POINTER(Error)]
    names = tuple(library.bertc_metric_name(m).decode() for m in range(len(METRICS)))
    if names != METRICS or library.bertc_metric_name(len(METRICS)):
        sys.exit(f"the library has other metrics than this script: {names}")
    return library


def make_dataset(np, targets, classes):
    """A data set in memory, without texts. Returns it with what must outlive it. Targets that are a matrix are sets."""
    sets = targets.ndim == 2
    example = np.dtype([("a", "u8"), ("b", "u8"), ("na", "u8"), ("nb", "u8"), ("labels", "u8"), ("num_labels", "u8"),
                        ("value", "f4"), ("line", "u8"), ("index", "u8"), ("nindex", "u8")], align=True)
    rows = np.zeros(len(targets), dtype=example)
    numbers = np.arange(max(classes, 1), dtype=np.int32)
    if sets:
        numbers = np.append(np.nonzero(targets)[1], 0).astype(np.int32)
        rows["num_labels"] = targets.sum(axis=1)
        rows["labels"] = numbers.ctypes.data + 4 * (np.cumsum(rows["num_labels"]) - rows["num_labels"])
    elif classes:
        rows["labels"] = numbers.ctypes.data + 4 * np.asarray(targets, dtype=np.uint64)
        rows["num_labels"] = 1
    else:
        rows["value"] = targets
    names = (ctypes.c_char_p * max(classes, 1))(*[f"label {c}".encode() for c in range(max(classes, 1))])
    task = Task(name=b"random", kind=MULTILABEL if sets else CLASSIFICATION if classes else REGRESSION, num_labels=max(classes, 1),
                labels=ctypes.addressof(names), file_labels=ctypes.addressof(names), low=-math.inf, high=math.inf)
    data = Dataset(task=ctypes.pointer(task), split=DEV, path=b"random", count=len(targets), labelled=True,
                   examples=rows.ctypes.data)
    return data, (rows, numbers, names, task)


def check(status, error):
    if status != 0:
        sys.exit(f"bertc: {error.message.decode()}")


def bertc_scores(np, library, targets, logits, classes, thresholds=None):
    """The metrics by name, and by class the support, precision, recall and F1, then the confusion matrix of classes."""
    data, kept = make_dataset(np, targets, classes)
    error, scores, report = Error(), Scores(), Report()
    if thresholds is not None:
        check(library.bertc_dataset_set_thresholds(data, thresholds.ctypes.data, error), error)
    check(library.bertc_task_score(data, logits.ctypes.data, scores, error), error)
    out = dict(zip(METRICS, scores.value))
    if classes:
        check(library.bertc_task_report_classes(data, logits.ctypes.data, report, error), error)
        of = report.classes[:classes]
        out["by class"] = np.array([[c.examples, c.precision, c.recall, c.f1] for c in of])
        matrix = out["confusion"] = np.zeros((classes, classes))
        for cell in report.confusions[:report.num_confusions]:
            matrix[cell.label, cell.predicted] = cell.count
        library.bertc_class_report_clear(ctypes.byref(report))
    if thresholds is not None:
        check(library.bertc_dataset_set_thresholds(data, None, error), error)
    del kept
    return out


def softmax(np, logits):
    """The probabilities, summed in the order of the classes and with the C library's exp, whose last bit may differ from
    numpy's: saturated ones have the same ties as the library's."""
    powers = np.frompyfunc(math.exp, 1, 1)(logits - logits.max(axis=1, keepdims=True)).astype(float)
    return powers / np.cumsum(powers, axis=1)[:, -1:]


def reference_classes(np, labels, logits):
    from scipy.special import logsumexp
    from sklearn import metrics
    from sklearn.preprocessing import label_binarize
    logits = logits.astype(np.float64)
    classes = logits.shape[1]
    every = np.arange(classes)
    predicted = logits.argmax(axis=1)
    out = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "matthews": metrics.matthews_corrcoef(labels, predicted),
        "loss": float(np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels])),
        "f1_weighted": metrics.f1_score(labels, predicted, average="weighted", zero_division=0),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=every).astype(float),
    }
    out["subset_accuracy"] = out["accuracy"]
    for name, function in (("f1", metrics.f1_score), ("precision", metrics.precision_score),
                           ("recall", metrics.recall_score)):
        for average in ("macro", "micro"):
            out[f"{name}_{average}"] = function(labels, predicted, average=average, zero_division=0)
        if classes == 2:
            out[name] = function(labels, predicted, zero_division=0)
    by_class = metrics.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    out["by class"] = np.stack([by_class[3], by_class[0], by_class[1], by_class[2]], axis=1)
    if classes == 2:
        odds = logits[:, 1] - logits[:, 0]
        out["auc"] = metrics.roc_auc_score(labels, odds)
        out["average_precision"] = metrics.average_precision_score(labels, odds)
    else:
        shares = softmax(np, logits)
        out["auc"] = metrics.roc_auc_score(labels, shares, multi_class="ovr", average="macro", labels=every)
        out["average_precision"] = metrics.average_precision_score(label_binarize(labels, classes=every), shares,
                                                                   average="macro")
    return out


def reference_sets(np, sets, logits, thresholds):
    """scikit-learn's metrics of indicator matrices. The logits rank as the probabilities do, but without their ties."""
    from sklearn import metrics
    logits = logits.astype(np.float64)
    cut = np.log(thresholds / (1 - thresholds)) if thresholds is not None else 0
    predicted = (logits >= cut).astype(int)
    signed = np.where(sets, -logits, logits)
    out = {"subset_accuracy": metrics.accuracy_score(sets, predicted),
           "f1_weighted": metrics.f1_score(sets, predicted, average="weighted", zero_division=0),
           "loss": float(np.mean(np.logaddexp(0, signed)))}
    for name, function in (("f1", metrics.f1_score), ("precision", metrics.precision_score),
                           ("recall", metrics.recall_score)):
        for average in ("macro", "micro"):
            out[f"{name}_{average}"] = function(sets, predicted, average=average, zero_division=0)
    by_class = metrics.precision_recall_fscore_support(sets, predicted, zero_division=0)
    out["by class"] = np.stack([by_class[3], by_class[0], by_class[1], by_class[2]], axis=1)
    both = (sets.sum(axis=0) > 0) & (sets.sum(axis=0) < len(sets))
    out["auc"] = metrics.roc_auc_score(sets, logits, average="macro") if both.all() else math.nan
    out["average_precision"] = metrics.average_precision_score(sets, logits, average="macro")
    return out


def reference_values(np, targets, values):
    from scipy import stats
    from sklearn import metrics
    targets, values = targets.astype(np.float64), values.astype(np.float64)
    out = {"loss": float(np.mean((targets - values) ** 2)), "mse": metrics.mean_squared_error(targets, values),
           "mae": metrics.mean_absolute_error(targets, values), "r2": metrics.r2_score(targets, values)}
    if len(targets) > 1:
        out["pearson"] = float(stats.pearsonr(targets, values).statistic)
        out["spearman"] = float(stats.spearmanr(targets, values).statistic)
    else:
        out["pearson"] = out["spearman"] = math.nan
    return out


def draw_classes(np, rng):
    """Random labels, balanced or not (also a single class), and logits that predict them well, badly or not at all."""
    classes = int(rng.choice([2, 2, 3, 3, 4, 7, 20, 60]))
    count = int(rng.choice([1, 2, 5, 20, 50, 300, 1000] + ([5000] if classes < 7 else [])))
    share = rng.dirichlet(np.full(classes, rng.choice([0.05, 1.0, 20.0])))
    labels = rng.choice(classes, size=count, p=share)
    if count >= 2 * classes and rng.random() < 0.6:
        labels[:classes] = np.arange(classes)  # every class occurs
    logits = rng.normal(0, 1, (count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += np.float32(rng.choice([-3.0, 0.0, 0.5, 3.0]))
    if rng.random() < 0.3:
        logits = np.round(logits)  # many ties
    if rng.random() < 0.1:
        logits[:] = logits[0]  # one prediction for all
    if rng.random() < 0.1:
        logits *= np.float32(rng.choice([20, 1e4]))  # saturated probabilities
    return labels, np.ascontiguousarray(logits, dtype=np.float32)


def draw_sets(np, rng):
    """Random sets of labels, rare or frequent, absent or always there, logits as those of classes, maybe thresholds."""
    labels = int(rng.choice([2, 3, 5, 28, 60]))
    count = int(rng.choice([2, 5, 20, 50, 300, 1000]))
    sets = (rng.random((count, labels)) < rng.beta(rng.choice([0.3, 1.0, 5.0]), 2, labels)).astype(int)
    if rng.random() < 0.6:
        sets[0], sets[1] = 1, 0  # auc has a value
    logits = rng.normal(0, 1, sets.shape) + sets * rng.choice([-3.0, 0.0, 0.5, 3.0]) - rng.choice([0.0, 1.0])
    if rng.random() < 0.3:
        logits = np.round(logits)  # many ties
    if rng.random() < 0.1:
        logits[:] = logits[0]
    if rng.random() < 0.1:
        logits *= rng.choice([20, 1e4])  # saturated probabilities
    thresholds = rng.uniform(0.01, 0.99, labels) if rng.random() < 0.5 else None
    return sets, np.ascontiguousarray(logits, dtype=np.float32), thresholds


def draw_values(np, rng):
    count = int(rng.choice([1, 2, 3, 50, 1000, 5000]))
    targets = np.round(rng.uniform(0, 5, count), int(rng.integers(0, 4)))
    values = targets * rng.choice([-1.0, 0.0, 0.1, 1.0]) + rng.normal(0, 1, count)
    if rng.random() < 0.3:
        values = np.round(values)  # many ties
    if rng.random() < 0.1:
        values[:] = 0.1
    if rng.random() < 0.1:
        targets[:] = 3.25  # has an exact mean: of others scikit-learn's r2 is a quotient of rounding errors
    if rng.random() < 0.05:
        values = targets.copy()
    return targets.astype(np.float32), np.ascontiguousarray(values.reshape(-1, 1), dtype=np.float32)


def differences(np, got, expected):
    """The largest relative difference of numbers or arrays; NaN equals NaN."""
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    if (np.isnan(got) != np.isnan(expected)).any():
        return math.inf
    known = ~np.isnan(expected)
    return float(np.max(np.abs(got - expected)[known] / np.maximum(1, np.abs(expected))[known], initial=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default="build/release/libbertc.so")
    parser.add_argument("--rounds", type=int, default=5000)
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
    compared = wrong = undefined = 0
    worst = 0.0
    for turn in range(options.rounds):
        thresholds = None
        if turn % 4 == 2:
            targets, logits, thresholds = draw_sets(np, rng)
            classes = logits.shape[1]
            expected = reference_sets(np, targets, logits, thresholds)
            fitting = SETS
        elif turn % 4 == 0:
            classes = 0
            targets, logits = draw_values(np, rng)
            expected = reference_values(np, targets, logits[:, 0])
            fitting = VALUES
        else:
            targets, logits = draw_classes(np, rng)
            classes = logits.shape[1]
            expected = reference_classes(np, targets, logits)
            fitting = CLASSES - (TWO_CLASSES if classes > 2 else set())
        assert fitting <= set(expected)
        got = bertc_scores(np, library, targets, logits, classes, thresholds)
        for name, value in expected.items():
            compared += 1
            undefined += np.isnan(value).any()
            difference = differences(np, got[name], value)
            worst = max(worst, difference if difference <= TOLERANCE else 0)
            if not difference <= TOLERANCE:
                wrong += 1
                print(f"round {turn}: {classes or 'no'} classes, {name}: {got[name]!r}, expected {value!r}, "
                      f"{len(targets)} examples")
    print(f"{compared} values compared, {undefined} of them undefined, {wrong} differ, largest difference {worst:.1e}")
    sys.exit(1 if wrong else 0)


main()
