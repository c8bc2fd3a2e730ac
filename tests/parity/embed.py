"""Features of bertc against hidden states of transformers, for every layer, pooling and format; and truncated models.

Texts and pairs of the sample, with the sample's model and, if it is installed, the real encoder. The largest absolute
difference may be 2e-5. A truncated model has the hidden states of the original model. A model whose head was trained on
the output of a layer has the same logits in both programs.
"""
import itertools
import json
import pathlib
import tempfile

import numpy as np
import torch

import common
import roundtrip

BOUND = 2e-5
TEXTS = ["a fine film", "", "\"quoted\" \\ and a\rreturn", "one two three four five six seven eight nine ten", "😀 ünïcode", "x"]
PAIRS = ["a man sleeps\ta person rests", "one\ttwo", "\tempty first"]


def embed(args, folder, work, texts, *options):
    """Run bertc embed; returns its output as text or as an array."""
    path = f"{work}/lines"
    with open(path, "w", newline="") as file:
        file.write("".join(text + "\n" for text in texts))
    with open(path) as lines:
        command = [args.bertc, "embed", "--model", folder, "--threads", args.threads, *options]
        done = common.subprocess.run([str(word) for word in command], stdin=lines, capture_output=True, check=True)
    return done.stdout


def array(args, folder, work, texts, *options):
    out = f"{work}/out.npy"
    embed(args, folder, work, texts, "--format", "npy", "--out", out, *options)
    return np.load(out)


def hidden_states(folder, texts):
    """The hidden states (layers + 1, tokens, H) of each text, and its tokens."""
    tokenizer = common.AutoTokenizer.from_pretrained(folder)
    model = common.transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    states, tokens = [], []
    with torch.no_grad():
        for text in texts:
            coded = tokenizer(*text.split("\t"), return_tensors="pt", truncation=True, max_length=128)
            states.append(torch.cat(model(**coded, output_hidden_states=True).hidden_states).numpy())
            tokens.append(tokenizer.convert_ids_to_tokens(coded["input_ids"][0]))
    return states, tokens


POOLS = {"cls": lambda x: x[0], "mean": lambda x: x.mean(0), "max": lambda x: x.max(0)}


def compare(verdict, args, name, folder, work):
    states, tokens = hidden_states(folder, TEXTS)
    layers = len(states[0]) - 1
    for pool, take in POOLS.items():
        worst = 0.0
        for layer in range(-1 - layers, layers + 1):
            found = array(args, folder, work, TEXTS, "--layers", layer, "--pool", pool)
            worst = max(worst, common.largest_difference(found, [take(state[layer]) for state in states]))
        verdict.expect(f"{name}: every layer, {pool}", worst, BOUND)
    some = [0, layers, 1]
    option = ("--layers", ",".join(map(str, some)))
    found = array(args, folder, work, TEXTS, *option, "--combine", "concat", "--pool", "mean")
    wanted = [np.concatenate([state[layer].mean(0) for layer in some]) for state in states]
    verdict.expect(f"{name}: three layers side by side", common.largest_difference(found, wanted), BOUND)
    found = array(args, folder, work, TEXTS, *option, "--pool", "max", "--normalize")
    wanted = [torch.nn.functional.normalize(torch.from_numpy(state[some].mean(0).max(0)), dim=0).numpy() for state in states]
    verdict.expect(f"{name}: their mean, of length 1", common.largest_difference(found, wanted), BOUND)
    found = array(args, folder, work, TEXTS, "--pool", "none", "--offsets", f"{work}/offsets.npy")
    verdict.expect(f"{name}: every token", common.largest_difference(found, np.concatenate([s[-1] for s in states])), BOUND)
    wanted = np.cumsum([0] + [len(t) for t in tokens])
    verdict.expect(f"{name}: where texts begin", common.largest_difference(np.load(f"{work}/offsets.npy"), wanted), 0)
    rows = [json.loads(line) for line in embed(args, folder, work, TEXTS, "--pool", "none").decode().splitlines()]
    verdict.expect(f"{name}: tokens that differ", sum(row["tokens"] != t for row, t in zip(rows, tokens, strict=True)), 0)
    verdict.expect(f"{name}: every token in JSON", max(
        common.largest_difference(row["embedding"], state[-1]) for row, state in zip(rows, states)), BOUND)
    rows = [line.split("\t") for line in embed(args, folder, work, TEXTS, "--format", "tsv").decode().splitlines()]
    verdict.expect(f"{name}: means in columns", common.largest_difference(
        [[float(x) for x in row[1:]] for row in rows], [state[-1].mean(0) for state in states]), BOUND)
    pairs, _ = hidden_states(folder, PAIRS)
    found = array(args, folder, work, PAIRS, "--pair")
    verdict.expect(f"{name}: pairs", common.largest_difference(found, [s[-1].mean(0) for s in pairs]), BOUND)


ROWS = POOLS | {"cls": lambda x: x[:1], "none": lambda x: x}
MIXES = {"mean": lambda states: states.mean(0), "concat": lambda states: np.concatenate(states, -1)}


def compare_combinations(verdict, args, name, folder, work):
    """Compare every combination and pooling of three layers."""
    states, _ = hidden_states(folder, TEXTS)
    some = [len(states[0]) - 1, 0, 1]
    for combine, pool, normalize in itertools.product(MIXES, ROWS, (False, True)):
        options = ["--layers", ",".join(map(str, some)), "--combine", combine, "--pool", pool]
        options += ["--normalize"] if normalize else []
        options += ["--offsets", f"{work}/offsets.npy"] if pool == "none" else []
        found = array(args, folder, work, TEXTS, *options)
        wanted = np.concatenate([np.atleast_2d(ROWS[pool](MIXES[combine](state[some]))) for state in states])
        if normalize:
            wanted = torch.nn.functional.normalize(torch.from_numpy(wanted), dim=-1).numpy()
        verdict.expect(f"{name}: {combine}, {pool}{', of length 1' if normalize else ''}, {len(found)} rows",
                       common.largest_difference(found, wanted), BOUND)


def compare_feature_layer(verdict, args, name, folder, glue, work):
    """Compare --feature-layer, starting from a model without a head and from one with a head for these labels."""
    options = ["--task", "sst2", "--data", glue, "--max-steps", 4, "--limit-eval", 16, "--lr", 1e-3, "--threads", args.threads]
    texts = roundtrip.read_lines(pathlib.Path(glue) / "SST-2/test.tsv", pair=False)[:args.limit]
    for source in (folder, f"{work}/head"):
        out = f"{work}/head" if source == folder else f"{work}/again"
        common.run([args.bertc, "finetune", *options, "--model", source, "--out", out, "--feature-layer", 1])
        wanted, config = roundtrip.their_logits(out, texts)
        verdict.expect(f"{name}: a head on layer 1, further layers", config.num_hidden_layers - 1, 0)
        found = roundtrip.our_logits(args, "sst2", out, glue, work)
        verdict.expect(f"{name}: its logits", common.largest_difference(found, wanted), BOUND)
    for out in ("head", "again"):
        common.shutil.rmtree(f"{work}/{out}")


def compare_smaller(verdict, args, name, folder, work):
    states, _ = hidden_states(folder, TEXTS)
    for layers in range(1, len(states[0])):
        small = f"{work}/small-{layers}"
        common.run([args.bertc, "truncate", "--model", folder, "--keep-layers", layers, "--out", small])
        found, _ = hidden_states(small, TEXTS)
        worst = max(common.largest_difference(f, s[:layers + 1]) for f, s in zip(found, states))
        verdict.expect(f"{name}: transformers on {layers} layers of it", worst, 0)
        common.shutil.rmtree(small)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--limit", type=int, default=40, help="texts whose logits are compared")
    args = common.parse(parser)
    verdict = common.Verdict()
    with tempfile.TemporaryDirectory() as work:
        common.run([args.bertc, "sample", "--out", f"{work}/glue", "--seed", args.seed])
        models = {"sample model": f"{work}/glue/model"}
        if common.encoder_folder():
            models["real encoder"] = common.encoder_folder()
        else:
            print("skipped: the real encoder, its package is not installed")
        for name, folder in models.items():
            compare(verdict, args, name, folder, work)
            compare_combinations(verdict, args, name, folder, work)
            compare_feature_layer(verdict, args, name, folder, f"{work}/glue", work)
            compare_smaller(verdict, args, name, folder, work)
    verdict.exit()


if __name__ == "__main__":
    main()
