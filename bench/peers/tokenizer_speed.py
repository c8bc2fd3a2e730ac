"""Compare speed and exactness of bertc with WordPiece tokenizers that pip can install, one thread each.

Every program encodes the same texts (the lines of --text, the sentences of SST-2's train split), in turn,
--rounds times, after a first time that is not counted. Prints one row per program: the median time (minimum to
maximum), its ratio to bertc's time in the same round, and the number of texts whose ids differ from the ids of the Rust
package `tokenizers`. Packages that are not installed are skipped with a notice.

All but bertc are timed from a list of Python strings to the object that the package makes of them, inside
one process that stays; bertc from bytes in memory to ids, types and offsets, by
bertc-bench: the median of three, since one is over too soon.
"""
import argparse
import array
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
ONE_THREAD = {name: "1" for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
                                     "TF_NUM_INTEROP_THREADS")}
QUIET = {"TOKENIZERS_PARALLELISM": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
LONGEST = 1 << 20  # maximum tokens of a text, for packages that require one


# ---- Programs: encode(texts) is timed, ids(result) gives the ids without [CLS] and [SEP] ------

class Rust:
    package = "tokenizers"

    def __init__(self, vocab):
        from tokenizers import BertWordPieceTokenizer
        self.tokenizer = BertWordPieceTokenizer(vocab)._tokenizer

    def encode(self, texts):
        return self.tokenizer.encode_batch(texts)

    def ids(self, result):
        return [encoding.ids[1:-1] for encoding in result]


class RustFast(Rust):
    """encode_batch_fast, which computes no offsets."""

    def encode(self, texts):
        return self.tokenizer.encode_batch_fast(texts)


class BlingFire:
    package = "blingfire"

    def __init__(self, vocab):
        import blingfire
        self.blingfire = blingfire
        folder = os.path.dirname(blingfire.__file__)
        self.model = blingfire.load_model(os.path.join(folder, "bert_base_tok.bin"))

    def encode(self, texts):
        return [self.blingfire.text_to_ids(self.model, text, len(text) + 1, 100, no_padding=True) for text in texts]

    def ids(self, result):
        return [[int(i) for i in row] for row in result]


class Flash:
    package = "flash-tokenizer"

    def __init__(self, vocab):
        from flash_tokenizer import BertTokenizerFlash
        self.tokenizer = BertTokenizerFlash(vocab, model_max_length=LONGEST).tokenizer

    def encode(self, texts):
        return [self.tokenizer.encode(text, "longest", LONGEST) for text in texts]

    def ids(self, result):
        return [row[1:-1] for row in result]


class TensorFlow:
    package = "tensorflow-text"

    def __init__(self, vocab):
        import tensorflow
        import tensorflow_text
        with open(vocab, encoding="utf-8") as file:
            words = file.read().split("\n")
        self.tensorflow = tensorflow
        self.tokenizer = tensorflow_text.FastBertTokenizer(words[:-1], token_out_type=tensorflow.int32,
                                                           lower_case_nfd_strip_accents=True)

    def encode(self, texts):
        return self.tokenizer.tokenize(self.tensorflow.constant(texts)).merge_dims(1, -1)

    def ids(self, result):
        return result.to_list()


class Kitoken:
    package = "kitoken"

    def __init__(self, vocab):
        import kitoken
        from tokenizers import BertWordPieceTokenizer
        with tempfile.TemporaryDirectory() as folder:
            BertWordPieceTokenizer(vocab).save(folder + "/tokenizer.json")
            self.tokenizer = kitoken.Kitoken.from_tokenizers_file(folder + "/tokenizer.json")

    def encode(self, texts):
        return [self.tokenizer.encode(text) for text in texts]

    def ids(self, result):
        return [list(row) for row in result]


PEERS = {
    "Rust tokenizers, encode_batch": Rust,
    "Rust tokenizers, encode_batch_fast": RustFast,
    "BlingFire": BlingFire,
    "FlashTokenizer": Flash,
    "TensorFlow Text, FastBertTokenizer": TensorFlow,
    "Kitoken": Kitoken,
}


# ---- A process for each program ----------------------------------------------------------------

def digest(ids):
    return zlib.crc32(array.array("i", ids).tobytes())


def read_lines(path):
    with open(path, "rb") as file:
        lines = file.read().decode("utf-8", "replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def work(name, vocab, path):
    """Answer each line of standard input with one line: first the digests of all texts, then seconds."""
    texts = read_lines(path)
    program = PEERS[name](vocab)
    print(json.dumps([digest(ids) for ids in program.ids(program.encode(texts))]), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        result = program.encode(texts)
        seconds = time.perf_counter() - began
        del result
        print(json.dumps(seconds), flush=True)


class Peer:
    def __init__(self, name, args, path):
        command = [sys.executable, os.path.abspath(__file__), "--work", name, "--vocab", args.vocab, "--text", path]
        self.process = subprocess.Popen(command, env={**os.environ, **ONE_THREAD, **QUIET}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.digests = json.loads(self.process.stdout.readline() or "null")

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bertc:
    def __init__(self, args, path):
        self.command = [measure.bench(args), "tokenize", "--vocab", args.vocab, "--text", path, "--rounds", "3", "--json"]
        with open(path, "rb") as file:
            rows = subprocess.run([args.bertc, "tokenize", "--vocab", args.vocab, "--threads", "1"], stdin=file,
                                  check=True, stdout=subprocess.PIPE).stdout.splitlines()
        self.digests = [digest(map(int, row.split()[1:-1])) for row in rows]

    def round(self):
        done = subprocess.run(self.command, env={**os.environ, **ONE_THREAD}, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout.splitlines()[0])["median"] / 1e3

    def close(self):
        pass


# ---- Report -------------------------------------------------------------------------------------

def installed(name):
    try:
        return importlib.metadata.version(PEERS[name].package)
    except importlib.metadata.PackageNotFoundError:
        print(f"skipped: {name}: the package {PEERS[name].package} is not installed", file=sys.stderr)
        return None


def compare(args, title, path):
    """Print the table of one text; return the ratio of each program's time to bertc's, round by round."""
    programs = {"bertc": Bertc(args, path)}
    for name in args.only or PEERS:
        version = installed(name)
        if not version:
            continue
        peer = Peer(name, args, path)
        if peer.digests:
            programs[f"{name} {version}"] = peer
        else:
            print(f"skipped: {name} {version} failed, see above", file=sys.stderr)
    seconds = {name: [] for name in programs}
    for _ in range(args.rounds):
        for name, program in programs.items():
            seconds[name].append(program.round())
    right = next((p.digests for name, p in programs.items() if name.startswith("Rust")), None)
    print(f"\n{title}: {len(programs['bertc'].digests):,d} texts, {os.path.getsize(path) / 1e6:.1f} MB, "
          f"{args.rounds} rounds\n\n| program | ms | times bertc's | texts that differ |\n|---|---|---|---|")
    ratios = {name: measure.ratios(seconds[name], seconds["bertc"]) for name in programs}
    for name, program in programs.items():
        program.close()
        wrong = sum(a != b for a, b in zip(program.digests, right)) if right else "?"
        print(f"| {name} | {measure.spread([1e3 * s for s in seconds[name]], '%.0f')} "
              f"| {measure.spread(ratios[name], '%.1f')} | {wrong} |", flush=True)
    print(flush=True)
    return ratios


def write_sentences(data, path):
    """The sentences of SST-2's train split, one per line."""
    with open(os.path.join(data, "SST-2", "train.tsv"), "rb") as file, open(path, "wb") as out:
        for line in file.read().split(b"\n")[1:-1]:
            out.write(line.split(b"\t")[0] + b"\n")


def compare_all(args):
    """Measure the lines of --text and the sentences of --data; return the ratios of each by its title."""
    results = {}
    if args.text:
        results[os.path.basename(args.text)] = compare(args, os.path.basename(args.text), args.text)
    if args.data:
        with tempfile.TemporaryDirectory() as folder:
            write_sentences(args.data, folder + "/sentences.txt")
            results["SST-2 train"] = compare(args, "SST-2 train", folder + "/sentences.txt")
    return results


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", default=os.path.join(HERE, "../../build/release/bertc"))
    parser.add_argument("--vocab", required=True, help="bert-base-uncased's vocab.txt")
    parser.add_argument("--text", help="a file with one text per line")
    parser.add_argument("--data", help="the GLUE root, for the sentences of SST-2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=PEERS, help="leave out the other packages")
    parser.add_argument("--work", choices=PEERS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.work:
        return work(args.work, args.vocab, args.text)
    compare_all(args)


if __name__ == "__main__":
    main()
