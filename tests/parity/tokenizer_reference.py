"""Short implementations of the two Python tokenizers of BERT, with which `bertc tokenize --parity hf-slow` and
`--parity google` are compared if the originals are not installed. They use the Unicode version of the running Python;
bertc uses 14.0 (Python 3.11).
"""
import unicodedata

SPECIALS = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
UNICODE = "14.0.0"

_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
               (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def is_ideograph(char):
    return any(low <= ord(char) <= high for low, high in _IDEOGRAPHS)


def is_punctuation(char):
    return char.isascii() and char.isprintable() and not char.isalnum() and char != " " \
        or unicodedata.category(char).startswith("P")


def strip_marks(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def split_literals(text):
    """Split a text at special tokens, the leftmost first."""
    while text:
        hits = [(text.find(s), s) for s in SPECIALS if s in text]
        if not hits:
            yield text, False
            return
        at, token = min(hits)
        if at:
            yield text[:at], False
        yield token, True
        text = text[at + len(token):]


class Reference:
    def __init__(self, vocab_path, cased):
        with open(vocab_path, encoding="utf-8") as lines:
            self.ids = {line.rstrip("\n"): number for number, line in enumerate(lines)}
        self.lower = not cased
        self.cache = {}

    def pieces(self, word):
        """Split a word by greedy longest match."""
        if word in self.cache:
            return self.cache[word]
        found, rest, unknown = [], word, [self.ids["[UNK]"]]
        if len(word) > self.limit:
            return unknown
        while rest:
            prefix = "##" if found else ""
            for end in range(len(rest), 0, -1):
                if prefix + rest[:end] in self.ids:
                    found.append(self.ids[prefix + rest[:end]])
                    rest = rest[end:]
                    break
            else:
                found = unknown
                break
        if len(self.cache) < 1 << 20:
            self.cache[word] = found
        return found

    def clean(self, text):
        out = []
        for char in text:
            category = unicodedata.category(char)
            if char in "\t\n\r" or category == "Zs":
                out.append(" ")
            elif char in "\0\ufffd" or category in self.dropped:
                continue
            else:
                out.append(f" {char} " if is_ideograph(char) else char)
        return "".join(out)

    def punctuation_apart(self, word):
        return "".join(f" {char} " if is_punctuation(char) else char for char in word).split()

    def encode(self, a, b=None, max_length=0):
        return self.assemble(self.ids_of(a), None if b is None else self.ids_of(b), max_length)

    def assemble(self, a, b, max_length):
        """Truncate and add the special tokens. `longest_first` removes one token at a time, from b on ties."""
        start, stop = [self.ids["[CLS]"]], [self.ids["[SEP]"]]
        if b is None:
            return start + (a[:max_length - 2] if max_length else a) + stop
        a, b = list(a), list(b)
        while max_length and len(a) + len(b) > max_length - 3:
            (a if len(a) > len(b) else b).pop()
        return start + a + stop + b + stop


class Slow(Reference):
    """BertTokenizer of transformers 4."""
    limit = 100
    dropped = ("Cc", "Cf", "Cn", "Co", "Cs")

    def ids_of(self, text):
        out = []
        for part, special in split_literals(text):
            if special:
                out.append(self.ids[part])
                continue
            if self.lower:
                part = "".join(char.lower() for char in part)
            for word in unicodedata.normalize("NFC", self.clean(part)).split():
                if word in SPECIALS:
                    out += self.pieces(word)
                    continue
                if self.lower:
                    word = strip_marks(word.lower())
                for bit in self.punctuation_apart(word):
                    out += self.pieces(bit)
        return out


class Google(Reference):
    """tokenization.py of google-research/bert."""
    limit = 200
    dropped = ("Cc", "Cf")

    def ids_of(self, text):
        out = []
        for word in self.clean(text).split():
            if self.lower:
                word = strip_marks(word.lower())
            for bit in self.punctuation_apart(word):
                out += self.pieces(bit)
        return out
