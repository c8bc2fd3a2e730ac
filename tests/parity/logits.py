"""Logits of bertc and of transformers on one packed batch of lengths 1 to 512.

The models: 12 x 768 with random weights, and the real encoder with a random head. The largest absolute
difference may be 2e-5.
"""
import tempfile

import common

BOUND = 2e-5


def compare(verdict, args, name, folder, work):
    model = common.load_model(folder)
    inputs = common.random_inputs(model.config, args.seed, args.lengths)
    wanted = common.reference(model, inputs, gradients=False)
    for backend in args.backend:
        found = common.probe(args, "logits", folder, inputs, work, backend)
        difference = common.largest_difference(found["logits"], wanted["logits"])
        verdict.expect(f"{name}, {backend}: largest logit difference", difference, BOUND)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--backend", nargs="+", default=["onednn", "openblas"])
    parser.add_argument("--lengths", type=int, nargs="+", default=common.LENGTHS)
    args = common.parse(parser)
    verdict = common.Verdict()
    with tempfile.TemporaryDirectory() as work:
        common.save_random_model(f"{work}/base", args.seed)
        compare(verdict, args, "12 x 768, random", f"{work}/base", work)
        source = common.encoder_folder()
        if source:
            common.save_encoder_with_head(source, f"{work}/real", args.seed)
            compare(verdict, args, "real encoder", f"{work}/real", work)
        else:
            print("skipped: the real encoder, its package is not installed")
    verdict.exit()


if __name__ == "__main__":
    main()
