"""A model that bertc trained and saved, loaded by transformers.

Fine-tunes for a few steps on the data of `bertc sample`, once with classes and once with regression, from a model whose
config.json has keys that bertc does not know. Then transformers reports no missing and no unexpected weights, its
tokenizer and model give the logits of `bertc predict`, and the unknown keys are unchanged.

Every description of a head in config.json that AutoModel accepts is accepted by embed, by truncate, and by a finetune
with a new head. AutoModel loads the truncated model, and AutoModelForSequenceClassification the fine-tuned model with
its new labels.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import common

BOUND = 2e-5
UNKNOWN = {"house_style": {"columns": [1, 2.5, None, "x"], "deep": {"on": True}}, "motto": "größer ☃",
           "tiny": 1e-300, "wide": 123456789012345}
HEADS = {
    "several labels at once": {"problem_type": "multi_label_classification"},
    "regression of two": {"problem_type": "regression"},
    "one label": {"id2label": {"0": "x"}, "label2id": {"x": 0}, "problem_type": None},
    "numbers for names": {"id2label": {"0": 0, "1": 1}, "label2id": {"0": 0, "1": 1}},
    "numbers as texts": {"id2label": {"0": "0", "1": "1"}, "label2id": {"0": "0", "1": "1"}},
    "a name that is null": {"id2label": {"0": "a", "1": None}, "label2id": {"a": 0}},
    "numbers from 1": {"id2label": {"1": "a", "2": "b"}, "label2id": {"a": 1, "b": 2}},
    "maps that disagree": {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}},
    "a number that disagrees": {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}, "num_labels": 3},
    "maps of another length": {"id2label": {str(i): f"l{i}" for i in range(5)}, "label2id": {"l0": 0}},
    "an empty map": {"id2label": {}, "label2id": {}},
    "no labels": {"id2label": None, "label2id": None, "num_labels": 0},
    "a token head": {"architectures": ["BertForTokenClassification"]},
    "dropout of 1": {"hidden_dropout_prob": 1.0, "classifier_dropout": 1.0},
}


def change_config(folder, changes):
    path = pathlib.Path(folder) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, ensure_ascii=False, indent=2))


def add_unknown_keys(folder):
    change_config(folder, UNKNOWN)


def check_config(verdict, folder):
    kept = json.loads((pathlib.Path(folder) / "config.json").read_text())
    lost = [key for key, value in UNKNOWN.items() if kept.get(key) != value]
    verdict.expect("unknown config keys lost or changed", len(lost), 0)
    weights = common.load_file(pathlib.Path(folder) / "model.safetensors")
    verdict.expect("weights that are not finite", sum(not np.isfinite(w).all() for w in weights.values()), 0)


def read_lines(path, pair):
    """The texts of a test file of the sample, which are its last one or two columns."""
    rows = [line.split("\t") for line in pathlib.Path(path).read_text().split("\n")[1:] if line]
    return [row[-2:] if pair else row[-1:] for row in rows]


def our_logits(args, task, folder, data, work):
    path = f"{work}/logits.tsv"
    common.run([args.bertc, "predict", "--task", task, "--model", folder, "--data", data, "--split", "test",
                "--out", f"{work}/predictions.tsv", "--logits", path, "--limit", args.limit])
    return np.loadtxt(path, skiprows=1, ndmin=2)[:, 1:]


def their_logits(folder, texts):
    tokenizer = common.AutoTokenizer.from_pretrained(folder)
    model = common.load_model(folder)
    logits = []
    with common.torch.no_grad():
        for text in texts:
            logits.append(model(**tokenizer(*text, return_tensors="pt", truncation=True, max_length=128)).logits[0].numpy())
    return np.stack(logits), model.config


def compare(verdict, args, name, task, source, data, file, work):
    out = f"{work}/{name.replace(' ', '-')}-{task}"
    common.run([args.bertc, "finetune", "--task", task, "--model", source, "--data", data, "--out", out,
                "--max-steps", 4, "--batch-size", 16, "--limit-eval", 16, "--lr", 1e-4, "--threads", args.threads])
    texts = read_lines(pathlib.Path(data) / file, pair=task == "stsb")[:args.limit]
    wanted, config = their_logits(out, texts)
    found = our_logits(args, task, out, data, work)
    if found.shape != wanted.shape:
        sys.exit(f"{name}, {task}: shapes {found.shape} and {wanted.shape}")
    verdict.expect(f"{name}, {task}: largest logit difference of {len(texts)}",
                   common.largest_difference(found, wanted), BOUND)
    problem = "regression" if task == "stsb" else "single_label_classification"
    verdict.expect(f"{name}, {task}: problem_type {config.problem_type}", config.problem_type != problem, 0)
    check_config(verdict, out)


def loads(folder):
    try:
        common.transformers.AutoModel.from_pretrained(folder)
    except Exception:  # of any kind: transformers has many ways to refuse
        return False
    return True


def succeeds(command):
    return subprocess.run([str(word) for word in command], capture_output=True, check=False).returncode == 0


def compare_heads(verdict, args, source, data, work):
    for i, (name, changes) in enumerate(HEADS.items()):
        folder, small, out = (f"{work}/{what}-{i}" for what in ("head", "small", "tuned"))
        shutil.copytree(source, folder)
        change_config(folder, changes)
        theirs = loads(folder)
        dropout = ["--dropout", 0.1] if "hidden_dropout_prob" in changes else []
        commands = [["embed", "--model", folder, "--task", "sst2", "--data", data, "--limit", 4, "--out", f"{work}/x.tsv"],
                    ["plan", "--model", folder, "--task", "sst2", "--data", data, *dropout],
                    ["inspect", folder],
                    ["truncate", "--model", folder, "--keep-layers", 1, "--out", small],
                    ["finetune", "--task", "sst2", "--model", folder, "--data", data, "--out", out, "--max-steps", 1,
                     "--limit-train", 32, "--limit-eval", 16, "--threads", args.threads, *dropout]]
        failed = [command[0] for command in commands if not succeeds([args.bertc, *command])]
        verdict.expect(f"{name} (transformers {'loads' if theirs else 'refuses'}): refused {' '.join(failed)}", len(failed), 0)
        verdict.expect(f"{name}: transformers loads the model but not the truncated model", theirs > loads(small), 0)
        config = common.load_model(out).config
        verdict.expect(f"{name}: labels of the new head", config.id2label != {0: "negative", 1: "positive"}, 0)
        verdict.expect(f"{name}: problem_type of the new head", config.problem_type != "single_label_classification", 0)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--limit", type=int, default=100, help="texts to compare")
    args = common.parse(parser)
    verdict = common.Verdict()
    with tempfile.TemporaryDirectory() as work:
        common.run([args.bertc, "sample", "--out", f"{work}/glue", "--seed", args.seed])
        sources = {"sample model": f"{work}/glue/model"}
        if common.encoder_folder():
            sources["real encoder"] = f"{work}/real"
            common.save_encoder_with_head(common.encoder_folder(), f"{work}/real", args.seed, labels=2)
        else:
            print("skipped: the real encoder, its package is not installed")
        for name, source in sources.items():
            add_unknown_keys(source)
            compare(verdict, args, name, "sst2", source, f"{work}/glue", "SST-2/test.tsv", work)
            compare(verdict, args, name, "stsb", source, f"{work}/glue", "STS-B/test.tsv", work)
        compare_heads(verdict, args, f"{work}/glue/model", f"{work}/glue", work)
    verdict.exit()


if __name__ == "__main__":
    main()
