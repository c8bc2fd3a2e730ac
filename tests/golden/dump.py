"""Write the golden files: what transformers computes for a small random BERT, step by step.

    python tests/golden/dump.py [--out tests/golden]

For each case a folder with the model as transformers saves it and `golden.safetensors`:

    ids, types, starts, labels or values            the packed batch
    embeddings, layer.I, pooled, logits, loss       activations, rows without padding
    grad.NAME                                       gradient of the mean loss for every parameter
    losses.hf, losses.google                        ten training steps on the same batch

Everything is computed in float64 and rounded once, so that a difference is the other side's.
"""
import argparse
import json
import os
import pathlib
import sys
from types import SimpleNamespace

os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import BertConfig, BertForSequenceClassification

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "bench" / "peers"))
import finetune_reference as reference

LENGTHS = (7, 1, 12, 3, 19)
STEPS = 10


def make_config(regression, act):
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37,
        hidden_act=act, max_position_embeddings=24, num_labels=1 if regression else 3,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    config.problem_type = "regression" if regression else "single_label_classification"
    return config


def make_model(config, seed):
    """Weights far larger than the usual ones, so that every term of every formula shows."""
    torch.manual_seed(seed)
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            gain = name.endswith("LayerNorm.weight")
            parameter.normal_(1.0 if gain else 0.0, 0.15 if parameter.dim() == 1 else 0.25)
    return model


def make_inputs(config, seed):
    random = np.random.default_rng(seed)
    count = sum(LENGTHS)
    return {
        "ids": random.integers(1, config.vocab_size, count).astype(np.int32),
        "types": random.integers(0, config.type_vocab_size, count).astype(np.int32),
        "starts": np.concatenate([[0], np.cumsum(LENGTHS)]).astype(np.int32),
        "labels": random.integers(0, max(2, config.num_labels), len(LENGTHS)).astype(np.int32),
        "values": random.uniform(0.0, 5.0, len(LENGTHS)).astype(np.float32),
    }


def padded(inputs):
    """The batch as the reference takes it, and where its real rows are."""
    shape = (len(LENGTHS), max(LENGTHS))
    ids, types, mask = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    for s, length in enumerate(LENGTHS):
        rows = slice(inputs["starts"][s], inputs["starts"][s + 1])
        ids[s, :length] = torch.from_numpy(inputs["ids"][rows].astype(np.int64))
        types[s, :length] = torch.from_numpy(inputs["types"][rows].astype(np.int64))
        mask[s, :length] = 1
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}, mask.bool()


def targets(config, inputs):
    if config.num_labels == 1:
        return torch.from_numpy(inputs["values"].astype(np.float64))
    return torch.from_numpy(inputs["labels"].astype(np.int64))


def activations_and_gradients(model, inputs):
    batch, real = padded(inputs)
    model.eval()
    inner = model.bert(**batch, output_hidden_states=True)
    out = model(**batch, labels=targets(model.config, inputs))
    out.loss.backward()
    found = {"embeddings": inner.hidden_states[0][real], "pooled": inner.pooler_output,
             "logits": out.logits, "loss": out.loss.reshape(1)}
    for i, hidden in enumerate(inner.hidden_states[1:]):
        found[f"layer.{i}"] = hidden[real]
    for name, parameter in model.named_parameters():
        found[f"grad.{name}"] = parameter.grad
    return {name: value.detach().numpy().astype(np.float32) for name, value in found.items()}


def training_losses(model, inputs, recipe):
    batch, _ = padded(inputs)
    args = SimpleNamespace(recipe=recipe, lr=2e-3, weight_decay=None, max_grad_norm=1.0)
    optimizer = reference.make_optimizer(model, args)
    model.train()
    losses = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = reference.learning_rate(args, step, STEPS)
        optimizer.zero_grad()
        loss = model(**batch, labels=targets(model.config, inputs)).loss
        loss.backward()
        reference.clip_gradients(model, recipe, args.max_grad_norm)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses, np.float32)


def dump(out, name, regression, act, seed):
    config = make_config(regression, act)
    model = make_model(config, seed)
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    inputs = make_inputs(config, seed)
    found = dict(inputs)
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    model.double()
    found |= activations_and_gradients(model, inputs)
    for recipe in ("hf", "google"):
        model.load_state_dict(weights)
        model.zero_grad()
        found[f"losses.{recipe}"] = training_losses(model, inputs, recipe)
    save_file(found, folder / "golden.safetensors", metadata={"format": "pt"})
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(json.dumps({"case": name, "bytes": size, "loss": float(found["loss"][0]),
                      "losses.hf": found["losses.hf"].tolist(), "losses.google": found["losses.google"].tolist()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    dump(out, "classification", False, "gelu", 1)
    dump(out, "regression", True, "gelu_new", 2)


if __name__ == "__main__":
    main()
