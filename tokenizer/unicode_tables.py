#!/usr/bin/env python3
"""Write unicode_tables.inc: what the reference tokenizers believe about every code point.

Two columns, found by asking the references about all 1,112,064 scalar values, one by one:

hf  the Rust package `tokenizers` through its BertNormalizer, NFD and BertPreTokenizer. It mixes
    versions of Unicode: general categories of about 8.0, decompositions and combining classes of
    9.0, white space and lower case of the Rust standard library it was built with, and what is part
    of a word beside a single_word token as its regular expressions have it.
py  Python's unicodedata and str.lower, which the two Python references use. Python 3.11, that is
    Unicode 14.0, is required, so that the table never depends on who runs the script.

Usage: unicode_tables.py > unicode_tables.inc   (Python 3.11, pip install tokenizers==0.23.*)
"""
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

FLAGS = ["CONTROL", "OTHER", "SPACE", "MARK", "PUNCT", "CJK", "DECOMPOSES", "LOWERS", "CASED", "IGNORABLE",
         "WORD"]
BIT = {name: 1 << i for i, name in enumerate(FLAGS)}
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
PY_CJK = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
          (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
ASCII_PUNCT = [(33, 47), (58, 64), (91, 96), (123, 126)]


def within(code, ranges):
    return any(low <= code <= high for low, high in ranges)


def bert(**on):
    switches = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**switches, **on}).normalize_str


class Rust:
    def __init__(self):
        self.clean, self.cjk = bert(clean_text=True), bert(handle_chinese_chars=True)
        self.strip, self.lower_str = bert(strip_accents=True), bert(lowercase=True)
        self.nfd = normalizers.NFD().normalize_str
        self.split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
        self.single = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
        self.single.add_tokens([AddedToken("<x>", single_word=True, normalized=False)])
        # One mark for every combining class that its version of Unicode knows.
        marks = {}
        for code in SCALARS:
            value = unicodedata.combining(chr(code))
            if value and self.nfd("\u0345" + chr(code)) != "\u0345" + chr(code) or value == 240:
                marks.setdefault(value, chr(code))
        self.marks = sorted(marks.items())

    def lower(self, char):
        return self.lower_str(char)

    def ccc(self, char):
        """The combining class, from the order into which NFD sorts the character and known marks."""
        if self.nfd(char) != char:
            return 0
        after = self.nfd(char + "\u0334") != char + "\u0334"
        before = self.nfd("\u0345" + char) != "\u0345" + char
        return self.between(char) if after or before else 0

    def between(self, char):
        still = [value for value, mark in self.marks
                 if self.nfd(char + mark) == char + mark and self.nfd(mark + char) == mark + char]
        assert len(still) == 1, (hex(ord(char)), still)
        return still[0]

    def is_word(self, char):
        """Whether a token that must stand alone is not found beside it; on both sides alike."""
        before, after = (1 not in self.single.encode(text).ids for text in (char + "<x>", "<x>" + char))
        assert before == after, hex(ord(char))
        return before

    def flags(self, char):
        flags = 0
        words = [word for word, _ in self.split("a" + char + "b")]
        flags |= BIT["CONTROL"] if self.clean(char) == "" else 0
        flags |= BIT["SPACE"] if words == ["a", "b"] else 0
        flags |= BIT["PUNCT"] if words == ["a", char, "b"] else 0
        flags |= BIT["CJK"] if self.cjk(char) != char else 0
        flags |= BIT["DECOMPOSES"] if self.nfd(char) != char else 0
        flags |= BIT["MARK"] if self.nfd(char) == char and self.strip(char) == "" else 0
        flags |= BIT["LOWERS"] if self.lower(char) != char else 0
        flags |= BIT["WORD"] if self.is_word(char) else 0
        space = self.clean(char) == " "
        assert not space or flags & BIT["SPACE"], hex(ord(char))
        return flags


class Python:
    def lower(self, char):
        return char.lower()

    def ccc(self, char):
        return unicodedata.combining(char)

    def flags(self, char):
        code, category = ord(char), unicodedata.category(char)
        control = category in ("Cc", "Cf") and char not in "\t\n\r" or code in (0, 0xFFFD)
        space = category == "Zs" or char in "\t\n\r" or char.isspace()
        cased = (char + "\u03a3").lower()[-1] == "\u03c2"
        flags = 0
        flags |= BIT["CONTROL"] if control else 0
        flags |= BIT["OTHER"] if category in ("Cn", "Co", "Cs") else 0
        flags |= BIT["SPACE"] if space else 0
        flags |= BIT["PUNCT"] if within(code, ASCII_PUNCT) or category[0] == "P" else 0
        flags |= BIT["CJK"] if within(code, PY_CJK) else 0
        flags |= BIT["DECOMPOSES"] if unicodedata.normalize("NFD", char) != char else 0
        flags |= BIT["MARK"] if category == "Mn" else 0
        flags |= BIT["LOWERS"] if char.lower() != char else 0
        flags |= BIT["CASED"] if cased else 0
        flags |= BIT["IGNORABLE"] if not cased and ("a" + char + "\u03a3").lower()[-1] == "\u03c2" else 0
        return flags


def lower_runs(lower):
    """(first, last, step, delta) for single-character mappings, in order."""
    runs = []
    for code in SCALARS:
        small = lower(chr(code))
        if small == chr(code):
            continue
        assert len(small) == 1 or code == 0x130 and small == "i\u0307"
        delta = ord(small[0]) - code
        if runs:
            first, last, step, old = runs[-1]
            gap = code - last
            if delta == old and gap <= 2 and (step in (0, gap)):
                runs[-1] = (first, code, gap, old)
                continue
        runs.append((code, code, 0, delta))
    return [(first, last, step or 1, delta) for first, last, step, delta in runs]


def emit(comment, name, kind, items, each):
    print(comment)
    print(f"static const {kind} {name}[] = {{")
    line = "   "
    for item in map(each, items):
        if len(line) + len(item) + 2 > 100:
            print(line)
            line = "   "
        line += " " + item + ","
    print(line + "\n};")


def main():
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"unicode_tables.py: Unicode {unicodedata.unidata_version} in this Python; 14.0.0 (Python 3.11) is needed")
    rust, python = Rust(), Python()
    rows, index, ranges, previous = [], {}, [], None
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue  # never decoded; the range before runs on
        char = chr(code)
        row = (rust.flags(char), python.flags(char), rust.ccc(char), python.ccc(char))
        if row not in index:
            index[row] = len(rows)
            rows.append(row)
        if row != previous:
            ranges.append((code, index[row]))
        previous = row
    assert len(rows) <= 256
    print(f"""/* Generated by unicode_tables.py; do not edit.
 *
 * Column 0 is the Rust package tokenizers {tokenizers.__version__}, column 1 Python {sys.version_info[0]}.{sys.version_info[1]} (Unicode {unicodedata.unidata_version}). */""")
    emit("", "unicode_rows", "bc_unicode_row", rows, lambda r: "{{0x%x, 0x%x}, {%d, %d}}" % r)
    emit("\n/* Each range reaches to the next one. */", "unicode_ranges", "unicode_range", ranges,
         lambda r: "{0x%x, %d}" % r)
    emit("\n/* first, last, step, lower - upper; U+0130 is also followed by U+0307. */", "lower_hf", "lower_run",
         lower_runs(rust.lower), lambda r: "{0x%x, 0x%x, %d, %d}" % r)
    emit("", "lower_py", "lower_run", lower_runs(python.lower), lambda r: "{0x%x, 0x%x, %d, %d}" % r)


main()
