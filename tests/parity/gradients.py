"""The gradient of every parameter, from bertc and from transformers, on one packed batch.

The error of a parameter is |ours - theirs| / |theirs| (norms) and may be 1e-4. The gradient of a key's bias is zero in
exact arithmetic, since it does not change the softmax; its error is divided by the norm of the query bias's gradient.
The comparison is repeated with class weights and label smoothing.
"""
import tempfile

import numpy as np

import common

BOUND = 1e-4


def relative_errors(found, wanted):
    for name, gradient in wanted.items():
        if not name.startswith("grad."):
            continue
        like = wanted[name.replace("self.key.bias", "self.query.bias")]
        error = np.linalg.norm(found[name].astype(np.float64) - gradient)
        yield error / np.linalg.norm(like.astype(np.float64)), name


def compare(verdict, args, name, folder, work, **objective):
    model = common.load_model(folder)
    inputs = common.random_inputs(model.config, args.seed, args.lengths) | objective
    wanted = common.reference(model, inputs, gradients=True)
    found = common.probe(args, "gradients", folder, inputs, work, args.backend)
    errors = sorted(relative_errors(found, wanted))
    loss = abs(float(found["loss"][0]) / float(wanted["loss"][0]) - 1.0)
    verdict.expect(f"{name}: loss", loss, 1e-5)
    verdict.expect(f"{name}: worst of {len(errors)} gradients", errors[-1][0], BOUND)
    print(f"    worst: {errors[-1][1].removeprefix('grad.')}; median {errors[len(errors) // 2][0]:.1e}")


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--backend", default="onednn")
    parser.add_argument("--large", action="store_true", help="24 x 1024 instead: 5 GB of memory")
    parser.add_argument("--lengths", type=int, nargs="+", default=common.LENGTHS)
    args = common.parse(parser)
    verdict = common.Verdict()
    source = common.encoder_folder()
    with tempfile.TemporaryDirectory() as work:
        if args.large:
            common.save_random_model(f"{work}/large", args.seed, hidden_size=1024, num_hidden_layers=24,
                                     num_attention_heads=16, intermediate_size=4096)
            compare(verdict, args, "24 x 1024, random", f"{work}/large", work)
        else:
            common.save_random_model(f"{work}/base", args.seed)
            compare(verdict, args, "12 x 768, random", f"{work}/base", work)
        if source and not args.large:
            common.save_encoder_with_head(source, f"{work}/real", args.seed)
            compare(verdict, args, "real encoder", f"{work}/real", work)
            compare(verdict, args, "real encoder, weighted classes", f"{work}/real", work,
                    class_weights=np.array([0.3, 2.5, 1.0]), smoothing=np.array([0.1]))
    if not source:
        print("skipped: the real encoder, its package is not installed")
    verdict.exit()


if __name__ == "__main__":
    main()
