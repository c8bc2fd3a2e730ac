"""Ten losses of every way of training a part of the encoder, in bertc and in PyTorch with transformers.

The real encoder on SST-2 without dropout, in both recipes. The relative difference may be 1e-4 at every step.
"""
import common
import loss_curve

BOUND = 1e-4
WAYS = {
    "all but the embeddings": ("--freeze", "embeddings"),
    "the upper layers": ("--freeze", "3"),
    "layers that thaw": ("--freeze", "all", "--unfreeze-schedule", "0.001:5,0.0019:2,0.0033:none", "--lr", "1e-4"),
    "the head alone": ("--freeze", "all", "--head-lr", "1e-2"),
    "the first layers alone": ("--keep-layers", "2"),
    "a head on a layer in the middle": ("--feature-layer", "3", "--lr", "1e-3"),
    "biases": ("--train-only", "bias", "--lr", "1e-3"),
    "biases of the upper layers": ("--train-only", "bias", "--freeze", "3", "--lr", "1e-3"),
    "rates by layer and for the head": ("--layer-lr-decay", "0.8", "--head-lr", "1e-3"),
}


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    args = common.parse(parser)
    args.steps, args.batch_size, args.lr = 10, 32, 2e-5
    common.need_encoder(args)
    verdict = common.Verdict()
    for way in args.ways:
        for recipe in ("hf", "google"):
            loss_curve.compare(verdict, args, "sst2", recipe, WAYS[way], BOUND, way)
    verdict.exit()


if __name__ == "__main__":
    main()
