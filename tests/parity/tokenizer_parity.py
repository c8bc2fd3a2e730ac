#!/usr/bin/env python3
"""Compare the ids of `bertc tokenize` with the reference tokenizers, text by text.

Texts: every line of every file under --data/glue and --data/text, the sentences and pairs of each task, every Unicode
code point in several contexts, and --strings generated texts. Each text is tokenized with three parities, with the
uncased and the cased vocabulary, without a maximum length; files and pairs also with 128 tokens, pairs with 11.

  hf-fast  AutoTokenizer of the installed transformers
  hf-slow  BertTokenizer of a transformers 4 in the interpreter --slow-python, else
           tokenizer_reference.py
  google   tokenizer_reference.py

Prints one line for each set of texts with the number of differences. Exits 1 if there is a difference, 77 if nothing
was compared. Absent packages and data are skipped with a notice. hf-slow and google need Python 3.11, since their
results depend on Python's version of Unicode.
"""
import argparse
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tokenizer_reference as reference  # noqa: E402

BATCH = 20000
SKIPPED = 77
WHOLE, CUT, PAIRS = (0,), (0, 128), (0, 128, 11)  # the maximum lengths of each kind of set
PAIR_COLUMNS = [("sentence1", "sentence2"), ("#1 String", "#2 String"), ("question1", "question2"),
                ("question", "sentence")]
# An interpreter with transformers 4 answers requests of one JSON line each.
SLOW_WORKER = """
import json, sys
import transformers
transformers.logging.set_verbosity_error()
tok = transformers.BertTokenizer(sys.argv[1], do_lower_case=sys.argv[2] == "0")
print(json.dumps(transformers.__version__), flush=True)
for line in sys.stdin:
    out = []
    for text in json.loads(line):
        out.append(tok.convert_tokens_to_ids(tok.tokenize(text)))
    print(json.dumps(out), flush=True)
"""


# ---- References ------------------------------------------------------------------------------

class Fast:
    name = "hf-fast"

    def __init__(self, vocab, cased):
        import tokenizers
        import transformers
        transformers.logging.set_verbosity_error()
        self.version = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "vocab.txt").write_bytes(pathlib.Path(vocab).read_bytes())
            (folder / "config.json").write_text('{"model_type": "bert"}')
            (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": not cased}))
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def batch(self, texts, length):
        """Do as a call of the tokenizer, without building a dictionary for each text."""
        backend = self.tokenizer.backend_tokenizer
        if length:
            backend.enable_truncation(max_length=length, strategy="longest_first")
        else:
            backend.no_truncation()
        return [e.ids for e in backend.encode_batch_fast([t if len(t) == 2 else t[0] for t in texts])]


class Cached:
    """A reference that caches the ids of single texts and truncates by tokenizer_reference."""

    def batch(self, texts, length):
        if self.last is not texts:
            self.last, self.ids = texts, [self.many([t[i] for t in texts]) for i in range(len(texts[0]))]
        second = self.ids[1] if len(self.ids) == 2 else [None] * len(texts)
        return [self.port.assemble(a, b, length) for a, b in zip(self.ids[0], second)]

    last = None


class Google(Cached):
    name = "google"

    def __init__(self, vocab, cased):
        self.port = reference.Google(vocab, cased)
        self.version = f"tokenizer_reference.py, Unicode {unicodedata.unidata_version}"

    def many(self, texts):
        return [self.port.ids_of(text) for text in texts]


class Slow(Cached):
    name = "hf-slow"

    def __init__(self, vocab, cased, python=None):
        self.port, self.worker = reference.Slow(vocab, cased), None
        self.version = f"tokenizer_reference.py, Unicode {unicodedata.unidata_version}"
        if python:
            self.worker = subprocess.Popen([python, "-c", SLOW_WORKER, vocab, str(int(cased))], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.version = f"transformers {json.loads(self.worker.stdout.readline())}"

    def many(self, texts):
        if not self.worker:
            return [self.port.ids_of(text) for text in texts]
        self.worker.stdin.write(json.dumps(texts) + "\n")
        self.worker.stdin.flush()
        return json.loads(self.worker.stdout.readline())


# ---- Texts -----------------------------------------------------------------------------------

def file_lines(path):
    lines = path.read_bytes().split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def task_texts(path):
    """The sentences or pairs of a task's file, found by its header; None if no column is known."""
    rows = [line.split(b"\t") for line in file_lines(path)]
    if path.parent.name == "CoLA" and path.name != "test.tsv":
        return [(row[3],) for row in rows]
    header = [name.decode("utf-8-sig", "replace").strip() for name in rows[0]]
    for names in PAIR_COLUMNS + [("sentence",)]:
        if all(name in header for name in names):
            columns = [header.index(name) for name in names]
            return [tuple(row[c] for c in columns) for row in rows[1:] if len(row) > max(columns)]
    return None


def data_sets(data):
    for path in sorted(data.glob("glue/*/*.tsv")):
        texts = task_texts(path)
        if texts:
            yield f"{path.parent.name}/{path.name} {'pairs' if len(texts[0]) == 2 else 'texts'}", texts
        yield f"{path.parent.name}/{path.name} lines", [(line,) for line in file_lines(path)]
    for path in sorted(p for p in data.glob("text/**/*") if p.is_file()):
        yield f"{path.name} lines", [(line,) for line in file_lines(path)]


def code_points():
    """Every scalar value alone, inside a word, before and after combining marks, next to a sigma, and inside a special
    token."""
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or code == 0x0A:
            continue
        c = chr(code)
        yield (f"{c} a{c}b \u03a3{c} A{c}\u03a3 {c}\u0301\u0334{c}\u302e\U0001d165 e\u0301{c}\u0323 [CLS{c}] "
               f"[CLS]{c}[SEP]{c}".encode(),)


POOLS = [
    (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x61, 0x7A), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x3FF),
    (0x400, 0x52F), (0x530, 0x6FF), (0x700, 0x8FF), (0x900, 0xDFF), (0xE00, 0x10FF), (0x1100, 0x11FF),
    (0x1200, 0x1CFF), (0x1D00, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x2BFF), (0x2C00, 0x2FFF),
    (0x3000, 0x30FF), (0x3100, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF),
    (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFFFF), (0x10000, 0x11FFF), (0x12000, 0x16FFF),
    (0x17000, 0x1D0FF), (0x1D100, 0x1DFFF), (0x1E000, 0x1EFFF), (0x1F000, 0x1FAFF), (0x1F300, 0x1F64F),
    (0x20000, 0x2FA1F), (0x30000, 0x3FFFF), (0xE0000, 0xE01EF), (0xF0000, 0x10FFFF)]
MARKS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and
         (unicodedata.combining(chr(c)) or unicodedata.category(chr(c)) in ("Mn", "Mc", "Me"))]
CONTROLS = [*range(0, 10), *range(11, 33), *range(0x7F, 0xA1), 0xAD, 0x600, 0x61C, 0x180E, *range(0x2000, 0x2010),
            *range(0x2028, 0x2030), 0x205F, *range(0x2060, 0x2070), 0x3000, 0xFEFF, 0xFFF9, 0xFFFD, 0xE0001]
ODD = "\u0130\u0131\u03a3\u03c3\u03c2\u1e9e\u00df\u1fef\u2260\u226e\u226f\u212a\u212b\u2126\u0340\u0344\u037e\u0387" \
      "\uac00\ud55c\u1100\u1161\u11a8\uf900\U0002f800\ufb01\ufb1d\u0958\u20ac\u00a9\u00b0\u00b1\u00d7\u00b4"
SPECIALS = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[unused0]", "[cls]", "[MASK", "MASK]", "[[MASK]]", "[CLS][SEP]",
            "[CL\u200bS]", "[\u0000SEP]", "[M\u0301ASK]", "##ing", "[UNK\ufffd]"]
EMOJI = ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\U0001f1e9\U0001f1ea", "\U0001fae8",
         "1\ufe0f\u20e3", "\U0001faf6\U0001f3ff"]
BAD = [b"\x80", b"\xff", b"\xc0\x80", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xc3", b"\xe0\x80\xaf",
       b"\xf8\x88\x80\x80\x80", b"[M\xc3ASK]"]


def generate(count, seed, words):
    rng = random.Random(seed)

    def char():
        low, high = rng.choice(POOLS)
        code = rng.randint(low, high)
        return chr(0x41 if 0xD800 <= code < 0xE000 else code)

    def scramble():
        return "".join(char() for _ in range(rng.randint(1, 8)))

    def script():
        low, high = rng.choice(POOLS)
        return "".join(chr(c) if not 0xD800 <= c < 0xE000 else "x"
                       for c in (rng.randint(low, high) for _ in range(rng.randint(1, 8))))

    def marked():
        return char() + "".join(chr(rng.choice(MARKS)) for _ in range(rng.randint(1, 5))) + rng.choice(["", char()])

    def word():
        text = rng.choice(words) + rng.choice(["", "", "s", rng.choice(words)])
        return rng.choice([str, str.upper, str.title, lambda t: unicodedata.normalize("NFD", t)])(text)

    def long_word():
        length = rng.choice([98, 99, 100, 101, 102, 198, 199, 200, 201, 202, rng.randint(1, 600)])
        unit = rng.choice(["a", "ab", "\u00e9", "e\u0301", "\u4e2d", "\uac01", "\U0001d400", rng.choice(words), char()])
        return (unit * length)[:length]

    def controlled():
        return rng.choice(words) + chr(rng.choice(CONTROLS)) + rng.choice(words + [""])

    def odd():
        return rng.choice(["", rng.choice(words)]) + "".join(rng.choice(ODD) for _ in range(rng.randint(1, 3))) \
            + rng.choice(["", ".", char(), rng.choice(words)])

    makers = [scramble, script, marked, word, word, word, controlled, odd, lambda: rng.choice(SPECIALS),
              lambda: rng.choice(SPECIALS) + char(), lambda: rng.choice(EMOJI)]
    gaps = ["", " ", " ", " ", " ", "  ", "\t", "\r", "\u00a0", "\u2028", "\u3000"]
    for _ in range(count):
        parts = []
        for _ in range(rng.choice([1, 1, 2, 3, 4, 6, 10])):
            made = long_word() if rng.random() < 0.02 else rng.choice(makers)()
            parts.append((made + rng.choice(gaps)).replace("\n", " ").encode("utf-8", "replace"))
            if rng.random() < 0.06:
                parts.append(rng.choice(BAD))
        line = b"".join(parts)
        if rng.random() < 0.02:
            line = bytes(b for b in rng.randbytes(rng.randint(1, 40)) if b != 10)
        yield (line,)


def in_pairs(texts):
    """Pair every text with the next text. A TAB separates them, so the first text must not contain one."""
    texts = [text for text, in texts]
    return [(a.replace(b"\t", b" "), b) for a, b in zip(texts[0::2], texts[1::2])]


# ---- Comparison ------------------------------------------------------------------------------

class Run:
    def __init__(self, bertc):
        self.bertc, self.total, self.differences, self.shown = bertc, 0, 0, 0

    def bertc_ids(self, model, vocab, cased, texts, length):
        command = [self.bertc, "tokenize", "--vocab", vocab, "--parity", model.name, "--max-length", str(length)]
        command += ["--cased"] * cased + ["--pair"] * (len(texts[0]) == 2)
        done = subprocess.run(command, input=b"".join(b"\t".join(t) + b"\n" for t in texts),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit(f"tokenizer_parity: {' '.join(command)}: exit {done.returncode}: {done.stderr.decode()[:500]}")
        lines = done.stdout.split(b"\n")
        if len(lines) != len(texts) + 1:
            sys.exit(f"tokenizer_parity: {len(texts)} lines in, {len(lines) - 1} out")
        return lines

    def compare(self, name, model, vocab, cased, batches, lengths):
        count = wrong = 0
        for texts in batches:
            plain = [tuple(part.decode("utf-8", "replace") for part in text) for text in texts]
            for length in lengths:
                ours = self.bertc_ids(model, vocab, cased, texts, length)
                for text, mine, theirs in zip(texts, ours, model.batch(plain, length)):
                    count += 1
                    if mine == b" ".join(b"%d" % i for i in theirs):
                        continue
                    wrong += 1
                    self.show(name, model, cased, length, text, mine, theirs)
        self.total += count
        self.differences += wrong
        print(f"{model.name:8} {'cased' if cased else 'uncased':8} {name:32} {count:9,d} encodings {wrong:6,d} differences",
              flush=True)

    def show(self, name, model, cased, length, text, mine, theirs):
        self.shown += 1
        if self.shown <= 20:
            print(f"  {name}, {model.name}, cased {cased}, length {length}: {str(text)[:400]}\n"
                  f"    bertc     {mine.decode()[:400]}\n    reference {' '.join(map(str, theirs))[:400]}", flush=True)


def batched(texts):
    batch = []
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def vocabularies(args):
    for cased, name in enumerate(("uncased", "cased")):
        path = args.data / "vocab" / f"bert-base-{name}" / "vocab.txt"
        if path.exists() and args.case in (None, name):
            yield bool(cased), str(path)


def references(args, vocab, cased):
    wanted = args.parity or ["hf-fast", "hf-slow", "google"]
    if "hf-fast" in wanted:
        try:
            yield Fast(vocab, cased)
        except ImportError as missing:
            print(f"skipped hf-fast: {missing}")
    if {"hf-slow", "google"} & set(wanted) and unicodedata.unidata_version != reference.UNICODE:
        print(f"skipped hf-slow and google: this Python has Unicode {unicodedata.unidata_version}, not {reference.UNICODE}")
        return
    if "hf-slow" in wanted:
        yield Slow(vocab, cased, args.slow_python)
    if "google" in wanted:
        yield Google(vocab, cased)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", required=True, help="the program")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with vocab, glue and text")
    parser.add_argument("--strings", type=int, default=20000, help="generated texts")
    parser.add_argument("--every", type=int, default=1, help="take only every Nth file and code point")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parity", action="append", choices=["hf-fast", "hf-slow", "google"])
    parser.add_argument("--slow-python", help="an interpreter with transformers 4")
    parser.add_argument("--case", choices=["uncased", "cased"], help="only this vocabulary")
    parser.add_argument("--no-data", action="store_true", help="leave out the files")
    parser.add_argument("--no-code-points", action="store_true", help="leave out the code points")
    args = parser.parse_args()
    if not any(vocabularies(args)):
        print(f"skipped: no vocab/bert-base-*/vocab.txt under {args.data}")
        return SKIPPED
    run = Run(os.path.abspath(args.bertc))
    for cased, vocab in vocabularies(args):
        words = [w for w in pathlib.Path(vocab).read_text(encoding="utf-8").split("\n") if w and w[0] not in "[#"]
        for model in references(args, vocab, cased):
            print(f"{model.name}: {model.version}")
            sets = [] if args.no_data else data_sets(args.data)
            for name, texts in sets:
                lengths = PAIRS if len(texts[0]) == 2 else CUT
                run.compare(name, model, vocab, cased, batched(texts[::args.every]), lengths)
            if not args.no_code_points:
                run.compare("every code point", model, vocab, cased, batched(itertools.islice(code_points(), 0, None, args.every)),
                            WHOLE)
            texts = generate(args.strings, args.seed + cased, words)
            run.compare("generated", model, vocab, cased, batched(texts), WHOLE)
            texts = generate(args.strings // 4, args.seed + 2 + cased, words)
            run.compare("generated pairs", model, vocab, cased, (in_pairs(batch) for batch in batched(texts)),
                        PAIRS)
    print(f"tokenizer parity: {run.differences:,d} differences in {run.total:,d} encodings")
    if run.total == 0:
        return SKIPPED
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
