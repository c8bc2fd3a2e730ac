"""The first ten losses with every option for transferring an encoder, in bertc and in PyTorch with transformers.

The real encoder on SST-2, and for three classes on MNLI's matched dev file, without dropout, in both recipes.
The relative difference may be 1e-4 at every step.
"""
import importlib.util
import pathlib
import tempfile

import common
import loss_curve

BOUND = 1e-4
EXAMPLES = 512  # 16 batches in an epoch
WAYS = {
    "all but the embeddings": ("--freeze", "embeddings"),
    "the upper layers": ("--freeze", "3"),
    "layers that thaw": ("--freeze", "all", "--unfreeze-schedule", "0.125:5,0.25:2,0.5:none", "--lr", "1e-4"),
    "the head alone": ("--freeze", "all", "--head-lr", "1e-2"),
    "the first layers alone": ("--keep-layers", "2"),
    "a head on a layer in the middle": ("--feature-layer", "3", "--lr", "1e-3"),
    "biases": ("--train-only", "bias", "--lr", "1e-3"),
    "biases of the upper layers": ("--train-only", "bias", "--freeze", "3", "--lr", "1e-3"),
    "adapters": ("--lora-rank", "8", "--lora-alpha", "16", "--lora-targets", "all", "--lr", "1e-3"),
    "adapters of the upper layers": ("--lora-rank", "4", "--freeze", "3", "--lr", "1e-3", "--layer-lr-decay", "0.8"),
    "rates by layer and for the head": ("--layer-lr-decay", "0.8", "--head-lr", "1e-3"),
    "class weights": ("--class-weights", "0.3,2.5"),
    "balanced class weights": ("--class-weights", "balanced"),
    "label smoothing": ("--label-smoothing", "0.1"),
    "class weights and label smoothing": ("--class-weights", "0.3,2.5", "--label-smoothing", "0.2"),
    "both, three classes": ("--task", "mnli", "--class-weights", "2,0.5,0.25", "--label-smoothing", "0.2"),
    "balanced, three classes": ("--task", "mnli", "--class-weights", "balanced", "--label-smoothing", "0.1"),
}


def lay_out(source, folder):
    """Write SST-2, and MNLI with its dev file as training data, since its train file is not available."""
    (folder / "SST-2").symlink_to(source / "SST-2")
    (folder / "MNLI").mkdir()
    (folder / "MNLI" / "train.tsv").symlink_to(source / "MNLI" / "dev_matched.tsv")
    with open(source / "MNLI" / "dev_matched.tsv", "rb") as file:
        (folder / "MNLI" / "dev_matched.tsv").write_bytes(b"".join(file.readlines()[:33]))


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    args = common.parse(parser)
    args.steps, args.batch_size, args.lr = 10, 32, 2e-5
    common.need_encoder(args)
    verdict = common.Verdict()
    with tempfile.TemporaryDirectory() as data:
        lay_out((args.data / "glue").resolve(), pathlib.Path(data))
        for way in args.ways:
            if "--lora-rank" in WAYS[way] and not importlib.util.find_spec("peft"):
                print(f"skipped: {way}: no Python package peft")
                continue
            for recipe in ("hf", "google"):
                options = (*WAYS[way], "--data", data, "--limit-train", EXAMPLES)
                loss_curve.compare(verdict, args, "sst2", recipe, options, BOUND, way)
    verdict.exit()


if __name__ == "__main__":
    main()
