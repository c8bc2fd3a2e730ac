"""Low-rank adapters, against Hugging Face peft.

1. With an adapter on every matrix, |ours - theirs| / |theirs| of the gradients of A, B and classifier may be 1e-4.
2. An adapter that bertc trained, loaded by peft, and the same run saved merged, loaded by transformers, both give the
   logits of `bertc predict`, to 1e-5 of the largest logit.
3. An adapter directory of bertc loads like one of peft: in AutoModelForSequenceClassification, pipeline,
   AutoPeftModelForSequenceClassification and AutoTokenizer, with bertc's logits and predictions. As for peft's own
   adapters, the caller must pass num_labels if the base's head has another number of labels; bertc_labels.json has the
   number and the names.
4. Adapters of several kinds that peft saved give peft's logits in `bertc predict`; unsupported kinds are refused.
"""
import json
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

import common
import gradients
import roundtrip

try:
    import peft
except ImportError:
    common.skip("no Python package peft")

torch = common.torch
MATRICES = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
KINDS = {
    "defaults": dict(r=4),
    "all linear layers": dict(r=8, lora_alpha=32, target_modules="all-linear"),
    "rank-stabilised, upper layer": dict(r=4, use_rslora=True, target_modules=MATRICES, layers_to_transform=[1]),
    "ranks by layer": dict(r=4, rank_pattern={"layer.1.attention.self.query": 2}),
}
REFUSED = {
    "dora": dict(r=4, use_dora=True),
    "alpha by layer": dict(r=4, alpha_pattern={"layer.1.attention.self.query": 2}),
    "biases": dict(r=4, bias="lora_only"),
}


def randomise(model, seed):
    """Set A and B, which is zero at first, to random values."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                parameter.normal_(std=0.1)


def adapted(model, **options):
    return peft.get_peft_model(model, peft.LoraConfig(task_type=peft.TaskType.SEQ_CLS, **options)).eval()


def plain_name(name):
    for word in ("base_model.model.", ".modules_to_save", ".default"):
        name = name.replace(word, "")
    return name


def compare_gradients(verdict, args, name, folder, work):
    model = adapted(common.load_model(folder), r=8, lora_alpha=16, target_modules=MATRICES)
    randomise(model, args.seed)
    trained = {plain_name(key): p for key, p in model.named_parameters() if p.requires_grad}
    inputs = common.random_inputs(model.config, args.seed, (1, 128, 2, 64, 7, 33))
    wanted = {plain_name(key): value for key, value in common.reference(model, inputs, gradients=True).items()}
    values = {key: p.detach().numpy() for key, p in trained.items() if ".lora_" in key}
    found = common.probe(args, "adapters", folder, inputs | values, work, args.backend)
    unmatched = {key for key in found if key.startswith("grad.")} ^ {key for key in wanted if key.startswith("grad.")}
    verdict.expect(f"{name}: gradients on one side only", len(unmatched), 0)
    errors = sorted(gradients_errors(found, wanted))
    verdict.expect(f"{name}: loss", abs(float(found["loss"][0]) / float(wanted["loss"][0]) - 1.0), 1e-5)
    verdict.expect(f"{name}: worst of {len(errors)} gradients", errors[-1][0], gradients.BOUND)
    print(f"    worst: {errors[-1][1].removeprefix('grad.')}; median {errors[len(errors) // 2][0]:.1e}")


def gradients_errors(found, wanted):
    for name, gradient in wanted.items():
        if name.startswith("grad."):
            yield np.linalg.norm(found[name].astype(np.float64) - gradient) / np.linalg.norm(gradient), name


def logits_of(model, tokenizer, texts):
    with torch.no_grad():
        return np.stack([model.eval()(**tokenizer(*text, return_tensors="pt", truncation=True, max_length=128)).logits[0].numpy()
                         for text in texts])


def load_base(folder, labels=2):
    return common.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels, dtype=torch.float32)


def expect_logits(verdict, what, found, wanted):
    verdict.expect(f"{what}: largest logit difference, relative",
                   common.largest_difference(found, wanted) / np.abs(wanted).max(), 1e-5)


def compare_saved(verdict, args, data, work):
    """Compare an adapter of bertc, loaded by peft and transformers."""
    source, logits = f"{data}/model", {}
    texts = roundtrip.read_lines(pathlib.Path(data) / "SST-2/test.tsv", pair=False)[:args.limit]
    tokenizer = common.AutoTokenizer.from_pretrained(source)
    for how in ("merged", "adapter"):
        out = f"{work}/{how}"
        common.run([args.bertc, "finetune", "--task", "sst2", "--model", source, "--data", data, "--out", out, "--lr", 5e-3,
                    "--lora-rank", 8, "--lora-targets", "all", "--lora-dropout", 0.1, "--lora-save", how, "--freeze", 1,
                    "--max-steps", 20, "--limit-eval", 16, "--threads", args.threads])
        logits[how] = roundtrip.our_logits(args, "sst2", out, data, work)
    expect_logits(verdict, "ours, merged and adapter", logits["merged"], logits["adapter"])
    expect_logits(verdict, "ours, merged, in transformers", logits["merged"],
                  logits_of(common.load_model(f"{work}/merged"), tokenizer, texts))
    model = peft.PeftModel.from_pretrained(load_base(source), f"{work}/adapter")
    expect_logits(verdict, "ours, in peft", logits["adapter"], logits_of(model, tokenizer, texts))
    untrained = logits_of(load_base(source), tokenizer, texts)
    moved = common.largest_difference(untrained - untrained.mean(0), logits["adapter"] - logits["adapter"].mean(0))
    verdict.expect("ours, trained: logits that did not change", moved < 1e-3, 0)
    compare_files(verdict, model, work)


def named(folder):
    """The labels in bertc_labels.json as arguments of from_pretrained, with numbers as keys, which JSON does not have."""
    said = json.loads(pathlib.Path(folder, "bertc_labels.json").read_text())
    return said | {"id2label": {int(key): label for key, label in said["id2label"].items()}}


def labels_of(task):
    """The names of our labels in GLUE submissions."""
    return {"negative": "0", "positive": "1"} if task == "sst2" else {n: n for n in ("entailment", "neutral", "contradiction")}


def expect_words(verdict, what, found, wanted):
    verdict.expect(f"{what}: predictions that differ", sum(a != b for a, b in zip(found, wanted, strict=True)), 0)


def compare_directory(verdict, args, task, data, work):
    """Load an adapter directory with transformers and peft; the base was saved without a tokenizer class."""
    folder, base, pair = f"{work}/whole-{task}", f"{work}/base-{task}", task != "sst2"
    shutil.copytree(f"{data}/model", base)
    pathlib.Path(base, "tokenizer_config.json").write_text('{"do_lower_case": true}')
    common.run([args.bertc, "finetune", "--task", task, "--model", base, "--data", data, "--out", folder, "--lr", 5e-3,
                "--lora-rank", 4, "--lora-save", "adapter", "--max-steps", 20, "--limit-eval", 16, "--threads", args.threads])
    wanted = roundtrip.our_logits(args, task, folder, data, work)
    predicted = [line.split("\t")[1] for line in pathlib.Path(f"{work}/predictions.tsv").read_text().split("\n")[1:] if line]
    texts = roundtrip.read_lines(pathlib.Path(data) / {"sst2": "SST-2/test.tsv", "mnli": "MNLI/test_matched.tsv"}[task],
                                 pair=pair)[:args.limit]
    tokenizer = common.AutoTokenizer.from_pretrained(folder)
    labels = wanted.shape[1]
    more = {} if labels == 2 else dict(num_labels=labels, ignore_mismatched_sizes=True)  # the base's head has two
    auto = common.AutoModelForSequenceClassification
    expect_logits(verdict, f"{task}: AutoModelForSequenceClassification of an adapter", wanted,
                  logits_of(auto.from_pretrained(folder, **more), tokenizer, texts))
    model = auto.from_pretrained(folder, **named(folder), ignore_mismatched_sizes=True)
    expect_logits(verdict, f"{task}: the same, with the labels' names", wanted, logits_of(model, tokenizer, texts))
    names = [model.config.id2label[row.argmax()] for row in logits_of(model, tokenizer, texts)]
    expect_words(verdict, f"{task}: the labels' names", [labels_of(task)[name] for name in names], predicted)
    model = peft.AutoPeftModelForSequenceClassification.from_pretrained(folder, **more)
    expect_logits(verdict, f"{task}: AutoPeftModelForSequenceClassification", wanted, logits_of(model, tokenizer, texts))
    pipe = common.transformers.pipeline("text-classification", folder, top_k=None, model_kwargs=more)
    inputs = [{"text": text[0], "text_pair": text[1]} if pair else text[0] for text in texts]
    scores = np.zeros_like(wanted)
    for row, said in zip(scores, pipe(inputs, truncation=True, max_length=128), strict=True):
        for entry in said:
            row[int(entry["label"].removeprefix("LABEL_"))] = entry["score"]
    softmax = np.exp(wanted) / np.exp(wanted).sum(1, keepdims=True)
    verdict.expect(f"{task}: pipeline: largest difference of a probability", common.largest_difference(scores, softmax), 1e-5)
    said = common.transformers.pipeline("text-classification", folder, model_kwargs=named(folder) | dict(ignore_mismatched_sizes=True))
    expect_words(verdict, f"{task}: pipeline with the labels' names",
                 [labels_of(task)[entry["label"]] for entry in said(inputs, truncation=True, max_length=128)], predicted)
    if more:
        verdict.expect(f"{task}: without num_labels peft's own and ours load alike", loads(folder) != loads(theirs_of(base, labels, work)), 0)


def theirs_of(base, labels, work):
    """Save an adapter with this number of labels by peft."""
    adapted(auto_base(base, labels), r=4).save_pretrained(f"{work}/theirs-whole")
    return f"{work}/theirs-whole"


def auto_base(base, labels):
    return common.AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels, ignore_mismatched_sizes=True)


def loads(folder):
    try:
        common.AutoModelForSequenceClassification.from_pretrained(folder)
    except Exception:  # of any kind
        return False
    return True


def compare_files(verdict, model, work):
    """Check that the tensors are those that peft would save, and that it knows every key."""
    model.save_pretrained(f"{work}/again")
    ours, theirs = (common.load_file(f"{work}/{name}/adapter_model.safetensors") for name in ("adapter", "again"))
    verdict.expect("ours: tensor names that differ from peft's", len(ours.keys() ^ theirs.keys()), 0)
    differ = sum(not np.array_equal(ours[key], theirs[key]) for key in ours.keys() & theirs.keys())
    verdict.expect("ours: tensors that peft reads differently", differ, 0)
    known = json.loads(pathlib.Path(f"{work}/again/adapter_config.json").read_text())
    written = json.loads(pathlib.Path(f"{work}/adapter/adapter_config.json").read_text())
    verdict.expect("ours: keys that peft does not know", len(written.keys() - known.keys()), 0)


def compare_theirs(verdict, args, data, work):
    """Compare adapters of peft, loaded by bertc."""
    source = f"{data}/model"
    texts = roundtrip.read_lines(pathlib.Path(data) / "SST-2/test.tsv", pair=False)[:args.limit]
    tokenizer = common.AutoTokenizer.from_pretrained(source)
    for i, (kind, options) in enumerate((KINDS | REFUSED).items()):
        torch.manual_seed(args.seed + i)
        model, folder = adapted(load_base(source), **options), f"{work}/theirs-{i}"
        randomise(model, args.seed + i)
        model.save_pretrained(folder)
        if kind in KINDS:
            found = roundtrip.our_logits(args, "sst2", folder, data, work)
            expect_logits(verdict, f"peft's, {kind}", found, logits_of(model, tokenizer, texts))
        else:
            command = [args.bertc, "eval", "--task", "sst2", "--model", folder, "--data", data]
            code = subprocess.run([str(word) for word in command], capture_output=True, check=False).returncode
            verdict.expect(f"peft's, {kind}: exit code {code}", code != 3, 0)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--backend", default="onednn")
    parser.add_argument("--limit", type=int, default=100, help="texts to compare")
    args = common.parse(parser)
    verdict = common.Verdict()
    with tempfile.TemporaryDirectory() as work:
        common.save_random_model(f"{work}/small", args.seed, hidden_size=192, num_hidden_layers=4, num_attention_heads=3,
                                 intermediate_size=520)
        compare_gradients(verdict, args, "4 x 192, random", f"{work}/small", work)
        common.run([args.bertc, "sample", "--out", f"{work}/glue", "--seed", args.seed])
        compare_saved(verdict, args, f"{work}/glue", work)
        compare_directory(verdict, args, "sst2", f"{work}/glue", work)
        compare_directory(verdict, args, "mnli", f"{work}/glue", work)
        compare_theirs(verdict, args, f"{work}/glue", work)
    verdict.exit()


if __name__ == "__main__":
    main()
