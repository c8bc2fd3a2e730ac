"""Texts that are longer than the maximum length: tails and windows of bertc against AutoTokenizer.

tail     equals truncation_side="left" with longest_first, for texts and pairs
windows  equal return_overflowing_tokens with stride = overlap; of a pair the longer text is cut (only_second if both
         are equally long)

Texts are random words of a small vocabulary. Every id and token type of every window must be equal.
"""
import argparse
import ctypes
import json
import pathlib
import random
import sys
import tempfile

SKIPPED = 77
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] red green blue ##ish ##er . , the a on tree".split()
SPELLED = "red green blue redish greener blueisher . , the a on tree unknown".split()
SPECIALS, ADDED, ADDED_BYTES, PREFIX_BYTES = 5, 40, 60, 16


class Added(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * ADDED_BYTES), ("id", ctypes.c_int32), ("normalized", ctypes.c_bool),
                ("single_word", ctypes.c_bool), ("lstrip", ctypes.c_bool), ("rstrip", ctypes.c_bool)]


class Options(ctypes.Structure):
    _fields_ = [("parity", ctypes.c_int), ("do_lower_case", ctypes.c_bool), ("strip_accents", ctypes.c_int),
                ("tokenize_chinese_chars", ctypes.c_bool), ("clean_text", ctypes.c_bool),
                ("model_max_length", ctypes.c_int32), ("no_types", ctypes.c_bool), ("max_word_chars", ctypes.c_int32),
                ("prefix", ctypes.c_char * PREFIX_BYTES), ("special", ctypes.c_char * ADDED_BYTES * SPECIALS),
                ("added_count", ctypes.c_int32), ("added", Added * ADDED)]


class Encoding(ctypes.Structure):
    _fields_ = [("count", ctypes.c_size_t), ("ids", ctypes.POINTER(ctypes.c_int32)),
                ("types", ctypes.POINTER(ctypes.c_int32)), ("begin", ctypes.c_void_p), ("end", ctypes.c_void_p),
                ("invalid", ctypes.c_size_t), ("truncated", ctypes.c_size_t), ("capacity", ctypes.c_size_t),
                ("scratch", ctypes.c_void_p)]


class Windows(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("count", "before", "after", "pieces", "capacity", "overlap")]


class Bertc:
    """The tokenizer of the library."""

    def __init__(self, library, folder):
        self.library = ctypes.CDLL(str(library))
        self.library.bertc_tokenizer_defaults.restype = Options
        self.library.bertc_windows_at.restype = ctypes.c_size_t
        options, vocab = self.library.bertc_tokenizer_defaults(), ctypes.c_void_p()
        self.tokenizer, self.encoding = ctypes.c_void_p(), Encoding()
        place = str(folder).encode()
        self.check(self.library.bertc_vocab_load_dir(place, ctypes.byref(vocab), None))
        self.check(self.library.bertc_tokenizer_read_options(place, ctypes.byref(options), None))
        self.check(self.library.bertc_tokenizer_create(vocab, ctypes.byref(options), ctypes.byref(self.tokenizer), None))

    @staticmethod
    def check(status):
        if status:
            raise RuntimeError(f"status {status}")

    def encode(self, function, a, b, length):
        a, b = a.encode(), None if b is None else b.encode()
        self.check(getattr(self.library, function)(
            self.tokenizer, ctypes.byref(self.encoding), a, ctypes.c_size_t(len(a)), b, ctypes.c_size_t(len(b or b"")),
            ctypes.c_size_t(length), None))
        count = self.encoding.count
        return self.encoding.ids[:count], self.encoding.types[:count]

    def windows(self, a, b, length, overlap):
        """(ids, types) of each window; None if they do not fit."""
        parts = self.encode("bertc_tokenizer_encode", a, b, 0)
        found, first, out = Windows(), ctypes.c_size_t(), []
        status = self.library.bertc_encoding_windows(ctypes.byref(self.encoding), ctypes.c_size_t(length),
                                                     ctypes.c_size_t(overlap), ctypes.byref(found), None)
        for index in range(0 if status else found.count):
            count = self.library.bertc_windows_at(ctypes.byref(found), ctypes.c_size_t(index), ctypes.byref(first))
            out.append(tuple(part[:found.before] + part[first.value:first.value + count] +
                             part[len(part) - found.after:] for part in parts))
        return None if status else out


def reference_windows(tokenizer, a, b, length, overlap):
    """The same by transformers; None if the shorter text of the pair leaves no more than the overlap."""
    sizes = [len(tokenizer.tokenize(text)) for text in (a, b or "")]
    if sum(sizes) + (2 if b is None else 3) > length:
        if length - (2 if b is None else 3 + min(sizes)) <= overlap:
            return None
    side = True if b is None else "only_first" if sizes[0] > sizes[1] else "only_second"
    made = tokenizer(a, b, truncation=side, max_length=length, stride=overlap, return_overflowing_tokens=True)
    return list(zip(made["input_ids"], made["token_type_ids"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=pathlib.Path, required=True, help="libbertc.so")
    parser.add_argument("--cases", type=int, default=20000)
    args = parser.parse_args()
    try:
        import transformers
    except ImportError:
        print("skipped: no Python package transformers")
        return SKIPPED
    if not args.library.exists():
        print(f"skipped: {args.library} is not built")
        return SKIPPED
    transformers.logging.set_verbosity_error()
    chance = random.Random(1)
    counts = {"tails": 0, "windows": 0, "several windows": 0, "refused": 0, "differences": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        (folder / "config.json").write_text('{"model_type": "bert"}')
        (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
        bertc = Bertc(args.library, folder)
        left = transformers.AutoTokenizer.from_pretrained(folder, truncation_side="left")
        right = transformers.AutoTokenizer.from_pretrained(folder)
        for _ in range(args.cases):
            # A call of AutoTokenizer takes an empty second text for none.
            a, b = (" ".join(chance.choices(SPELLED, k=chance.randint(least, 14))) for least in (0, 1))
            b = b if chance.random() < 0.6 else None
            length = chance.randint(4, 24)
            made = left(a, b, truncation="longest_first", max_length=length)
            same = bertc.encode("bertc_tokenizer_encode_tail", a, b, length) == (made["input_ids"],
                                                                                made["token_type_ids"])
            overlap = chance.randint(0, max(0, length - 4))
            got = bertc.windows(a, b, length, overlap)
            wanted = reference_windows(right, a, b, length, overlap)
            counts["tails"] += 1
            counts["windows"] += len(got or [])
            counts["several windows"] += len(got or []) > 1
            counts["refused"] += got is None
            if not same or got != wanted:
                if counts["differences"] == 0:
                    print(f"first difference: {a!r}, {b!r}, length {length}, overlap {overlap}: {got}, {wanted}")
                counts["differences"] += 1
    print(f"transformers {transformers.__version__}: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return counts["differences"] > 0 or counts["several windows"] == 0


if __name__ == "__main__":
    sys.exit(main())
