"""Run every parity script of this folder and print which passed, failed or were skipped.

    python tests/parity/run.py [--bertc build/release/bertc] [--data DIR] [--only NAME...]

A script exits 0 (passed), 77 (skipped, because something it needs is absent) or with another code (failed). Exits 1 if
a script failed.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
SKIPPED = 77

# Each script and its arguments; {build} is the build folder.
SCRIPTS = {
    # A part, to take minutes. Without --every, tokenizer_parity takes every file and code point; without --rounds,
    # metrics_parity takes 5,000 rounds; without --steps, own_heads takes 50 steps.
    "tokenizer_parity": ["--bertc", "{bertc}", "--data", "{data}", "--every", "19"],
    "tokenizer_files": ["--bertc", "{bertc}"],
    "schedule": ["--bertc", "{bertc}"],
    "metrics_parity": ["--library", "{build}/libbertc.so", "--rounds", "1000"],
    "windows": ["--library", "{build}/libbertc.so"],
    "logits": ["--bertc", "{bertc}"],
    "gradients": ["--bertc", "{bertc}"],
    "roundtrip": ["--bertc", "{bertc}"],
    "embed": ["--bertc", "{bertc}"],
    "loss_curve": ["--bertc", "{bertc}", "--data", "{data}"],
    "own_heads": ["--bertc", "{bertc}", "--data", "{data}", "--steps", "10"],
    "multitask": ["--bertc", "{bertc}", "--data", "{data}"],
    "lora": ["--bertc", "{bertc}"],
    "transfer": ["--bertc", "{bertc}", "--data", "{data}"],
}


def missing_package():
    """The name of a package that the scripts import and that this interpreter does not have."""
    for name in ("numpy", "torch", "transformers", "safetensors", "scipy", "sklearn"):
        try:
            __import__(name)
        except ImportError:
            return name
    return None


def run_script(name, places):
    command = [sys.executable, str(HERE / f"{name}.py")] + [word.format(**places) for word in SCRIPTS[name]]
    print(f"== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=REPOSITORY, check=False).returncode
    result = {0: "passed", SKIPPED: "skipped"}.get(code, f"failed (exit {code})")
    return result, time.monotonic() - started


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", type=pathlib.Path, default=REPOSITORY / "build/release/bertc", help="the program")
    parser.add_argument("--data", type=pathlib.Path, help="folder with glue, text and vocab; "
                        "default: BERTC_TEST_DATA, or ../shared/data",
                        default=os.environ.get("BERTC_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS), metavar="NAME")
    return parser.parse_args()


def main():
    args = parse_arguments()
    bertc = args.bertc.resolve()
    if not bertc.exists():
        print(f"skipped: parity: {bertc} is not built")
        return 0
    if name := missing_package():
        print(f"skipped: parity: no Python package {name}")
        return 0
    places = {"bertc": bertc, "build": bertc.parent, "data": pathlib.Path(args.data).resolve()}
    results = {name: run_script(name, places) for name in args.only}
    print("\nparity")
    for name, (result, seconds) in results.items():
        print(f"  {name:20} {result:16} {seconds:7.1f} s")
    unknown = {path.stem for path in HERE.glob("*.py")} - set(SCRIPTS) - {"run", "common", "tokenizer_reference"}
    if unknown:
        print(f"  not run, since they are not in the table of this script: {', '.join(sorted(unknown))}")
    return 1 if unknown or any(result.startswith("failed") for result, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
