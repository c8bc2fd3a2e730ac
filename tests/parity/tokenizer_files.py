#!/usr/bin/env python3
"""Compare the ids of `bertc tokenize --model` with those of AutoTokenizer for generated model directories: every flag
of an added or special token, in every file that can declare it, with several texts; and files of one directory that
contradict each other.

    python tests/parity/tokenizer_files.py [--bertc build/release/bertc] [--texts 2000] [--seed 1]

For each directory bertc gives the same ids or, if the case expects it, refuses the directory with a message. A
directory that the reference cannot load is left out. Exits 1 if anything differs, 77 without transformers 5.
"""
import argparse
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
CONFIG, MAP, JSON, ADDED = "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json", "added_tokens.json"
WORDS = ("[PAD] [UNK] [CLS] [SEP] [MASK] a b c ab abc ##a ##b ##c x ##x [ ] mask cls 中 foo bar ##bar ##foo new "
         "york . _ - # e ##e é ##é [E1] e1 E A").split()
FLAGS = ("normalized", "single_word", "lstrip", "rstrip")
FRAGMENTS = [" ", "  ", "\t", "\u00a0", "\u3000", "\u0085", "_", "-", ".", ",", "a", "b", "X", "1", "é", "É", "e\u0301", "\u0301",
             "\u0903", "\u200b", "\u200d", "\u203f", "²", "٣", "中", "日", "\uf900", "İ", "Σ", "😀", "\U0001d165", "\x00", "\ufffd", "##"]
CONTENTS = ["[MASK]", "[mask]", "[Mask]", "[CLS]", "[SEP]", "[E1]", "[e1]", "[É1]", "foo", "FOO", "Foo", "New York", "new york",
            "new\tyork", "NEWYORK", "zq", "ZQ", "中x", "中 x", "<t>", "<T>", "é", "E", "zqq", "Zq Zq", "fooé", "foo\u0301"]


def added(content, typed=False, **flags):
    token = {"content": content, **flags}
    return {**token, "__type": "AddedToken"} if typed else token


def every_flag(values=(False, True)):
    for chosen in itertools.product(values, repeat=len(FLAGS)):
        yield dict(zip(FLAGS, chosen))


def special(name, kind):
    return {kind: {"id": name, "type_id": 0}}


def tokenizer_json(tokens=(), words=WORDS, **normalizer):
    single = [special("[CLS]", "SpecialToken"), special("A", "Sequence"), special("[SEP]", "SpecialToken")]
    pair = single + [{kind: {**part, "type_id": 1}} for entry in (special("B", "Sequence"), special("[SEP]", "SpecialToken"))
                     for kind, part in entry.items()]
    vocab = words if isinstance(words, dict) else {word: i for i, word in enumerate(words)}
    defaults = dict.fromkeys(FLAGS, False)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "special": False, **defaults, **token} for i, token in tokens],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                       "lowercase": True, **normalizer},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {
            name: {"id": name, "ids": [WORDS.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab}}


GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast"}


def flag_cases():
    """One token with its flags, in each file that can declare it."""
    end = len(WORDS)
    for flags in every_flag():
        name = "+".join(flag for flag in FLAGS if flags[flag]) or "plain"
        typed, untyped = added("[MASK]", True, **flags), added("[MASK]", **flags)
        new = added("Zq", **flags)
        yield f"config mask_token {name}", {CONFIG: {"mask_token": typed}}
        yield f"config cls_token cased {name}", {CONFIG: {"cls_token": added("[CLS]", True, **flags), "do_lower_case": False}}
        yield f"config own_token {name}", {CONFIG: {"own_token": added("foo", True, **flags)}}
        yield f"config bos_token {name}", {CONFIG: {"bos_token": added("New York", True, **flags)}}
        for key in ("additional_special_tokens", "extra_special_tokens"):
            yield f"config {key} {name}", {CONFIG: {key: [added("New York", True, **flags), "[E1]"]}}
        yield f"map mask_token {name}", {MAP: {"mask_token": untyped, "sep_token": "[SEP]"}}
        yield f"map extra {name}", {MAP: {"extra_special_tokens": [added("foo", **flags)]}}
        yield f"decoder {name}", {CONFIG: {"added_tokens_decoder": {"4": untyped, str(end): new}}}
        yield f"decoder special {name}", {CONFIG: {"added_tokens_decoder": {"4": untyped, str(end): {**new, "special": True}}}}
        yield f"json {name}", {JSON: tokenizer_json([(4, untyped), (end, new)])}
        yield f"json cased {name}", {JSON: tokenizer_json([(4, untyped), (end, new)]), CONFIG: {"do_lower_case": False}}
        yield f"json generic {name}", {JSON: tokenizer_json([(4, untyped), (end, new)]), CONFIG: GENERIC}
        yield f"json generic unclean {name}", {
            JSON: tokenizer_json([(4, untyped), (end, added("new york", **flags))], clean_text=False), CONFIG: GENERIC}
        yield f"json generic no cjk {name}", {
            JSON: tokenizer_json([(end, added("中x", **flags))], handle_chinese_chars=False), CONFIG: GENERIC}
        yield f"json no vocab.txt {name}", {JSON: tokenizer_json([(4, untyped), (end, new)]), "vocab.txt": None}
        # Two files contradict each other about one token.
        other = {flag: not flags[flag] for flag in FLAGS}
        yield f"json against config {name}", {JSON: tokenizer_json([(4, untyped)]),
                                              CONFIG: {"mask_token": added("[MASK]", True, **other)}}
        yield f"json against map {name}", {JSON: tokenizer_json([(4, untyped)]), MAP: {"mask_token": added("[MASK]", **other)}}
        yield f"json against decoder {name}", {JSON: tokenizer_json([(4, untyped)]),
                                               CONFIG: {"added_tokens_decoder": {"4": added("[MASK]", **other)}}}
        yield f"generic json against decoder {name}", {
            JSON: tokenizer_json([(4, untyped)]), CONFIG: {**GENERIC, "added_tokens_decoder": {"4": added("[MASK]", **other)}}}
        yield f"decoder against config {name}", {
            CONFIG: {"mask_token": typed, "added_tokens_decoder": {"4": added("[MASK]", **other)}}}
        yield f"decoder against map {name}", {
            MAP: {"mask_token": untyped}, CONFIG: {"added_tokens_decoder": {"4": added("[MASK]", **other)}}}
        yield f"map against config {name}", {MAP: {"mask_token": untyped}, CONFIG: {"mask_token": added("[MASK]", True, **other)}}
        yield f"added against map {name}", {MAP: {"mask_token": untyped}, ADDED: {"[MASK]": 4, "<t>": end}}


def place_cases():
    """Files that agree and files that do not, each with the expected message of bertc, or None."""
    end = len(WORDS)
    swapped = [*WORDS[:5], "b", "a", *WORDS[7:]]
    yield "plain", {}, None
    yield "map over config", {MAP: {"mask_token": "foo"}, CONFIG: {"mask_token": "[PAD]"}}, None
    yield "null names", {CONFIG: {"mask_token": None, "pad_token": None}}, None
    yield "bos and eos", {CONFIG: {"bos_token": "<s>", "eos_token": "foo"}}, None
    yield "bos is cls", {CONFIG: {"bos_token": "[CLS]", "eos_token": "[SEP]"}}, None
    yield "own names", {CONFIG: {"image_token": "<t>", "extra_special_tokens": {"q_token": "<q>", "z": "zq"}}}, None
    yield "own names, strings and objects", {CONFIG: {"a_token": "<t>", "b_token": added("zq", True), "c_token": "<q>"}}, None
    yield "own names in two files", {CONFIG: {"a_token": "<t>", "b_token": added("zq", True), "_token": "<u>"},
                                     MAP: {"a_token": "<q>", "b_token": "<r>", "c_token": "<s>"}}, None
    yield "own names in a list and the map", {CONFIG: {"extra_special_tokens": {"a_token": "<t>"}},
                                              MAP: {"a_token": "<q>", "extra_special_tokens": {"b_token": "<r>"}}}, None
    yield "both lists", {CONFIG: {"extra_special_tokens": ["<t>"], "additional_special_tokens": ["zq"]}}, None
    yield "map's list", {MAP: {"additional_special_tokens": ["<t>"]}}, None
    yield "map's list and config's", {MAP: {"additional_special_tokens": ["<t>"]},
                                      CONFIG: {"additional_special_tokens": ["zq"]}}, None
    yield "map's list and an empty one", {MAP: {"additional_special_tokens": ["<t>"]},
                                          CONFIG: {"additional_special_tokens": []}}, None
    yield "added_tokens.json", {ADDED: {"zq": end + 1, "<t>": end, "[MASK]": 4}}, None
    yield "added and named", {CONFIG: {"mask_token": "[MASK]"}, ADDED: {"<T>": end, "[MASK]": 4}}, None
    yield "added and config's list", {CONFIG: {"additional_special_tokens": ["<T>"]}, ADDED: {"<T>": end}}, None
    yield "added and map's list", {MAP: {"additional_special_tokens": ["<T>"]}, ADDED: {"<T>": end}}, None
    yield "added and own name", {CONFIG: {"own_token": "<T>"}, ADDED: {"<T>": end}}, None
    yield "decoder, defaults", {CONFIG: {"added_tokens_decoder": {"4": {"content": "[MASK]"}, str(end): {"content": "Zq"}}}}, None
    yield "decoder, out of order", {CONFIG: {"added_tokens_decoder": {str(end + 1): added("zq"), str(end): added("<t>")}}}, None
    yield "decoder hides json's", {JSON: tokenizer_json([(end, added("zq"))]),
                                   CONFIG: {"added_tokens_decoder": {"4": added("[MASK]", special=True)}}}, None
    yield "decoder and json agree", {JSON: tokenizer_json([(end, added("zq"))]),
                                     CONFIG: {"added_tokens_decoder": {str(end): added("zq", normalized=False)}}}, None
    yield "added and json", {JSON: tokenizer_json([(end, added("zq"))]), ADDED: {"zq": end, "<t>": end + 1}}, None
    yield "generic", {JSON: tokenizer_json([(end, added("zq"))]), CONFIG: GENERIC}, None
    yield "generic, names", {JSON: tokenizer_json(), CONFIG: {**GENERIC, "mask_token": "[MASK]", "pad_token": None}}, None
    yield "generic, added", {JSON: tokenizer_json([(end, added("zq"))]), CONFIG: GENERIC, ADDED: {"zq": end, "<t>": end + 1}}, None
    yield "no [MASK]", {"vocab.txt": [w for w in WORDS if w not in ("[MASK]", "[PAD]")]}, None
    yield "a word twice", {"vocab.txt": [*WORDS, "a", "b"], ADDED: {"zq": end}}, None
    for word in ("do_lower_case", "strip_accents", "tokenize_chinese_chars"):
        for said, other in itertools.product((False, True), repeat=2):
            key = {"do_lower_case": "lowercase", "tokenize_chinese_chars": "handle_chinese_chars"}.get(word, word)
            for kind in ({}, GENERIC, {"tokenizer_class": "BertTokenizerFast"}):
                yield f"{word} {said} in config, {other} in json, {kind}", {
                    CONFIG: {word: said, **kind}, JSON: tokenizer_json(**{key: other})}, None
            yield f"{word} {other} in json alone", {JSON: tokenizer_json(**{key: other})}, None
    differ = "differ from vocab.txt"
    yield "vocab.txt and json the same", {JSON: tokenizer_json()}, None
    yield "a word appended to vocab.txt", {JSON: tokenizer_json(), "vocab.txt": [*WORDS, "zq"]}, differ
    yield "a word appended to json", {JSON: tokenizer_json(words=[*WORDS, "zq"])}, "1 word more than in vocab.txt"
    yield "a word far off in json", {JSON: tokenizer_json(words={**{w: i for i, w in enumerate(WORDS)}, "zq": end + 9})}, \
        "1 word more than in vocab.txt"
    yield "two words swapped", {JSON: tokenizer_json(words=swapped)}, f"2 of {end} words {differ}; the first is id 5"
    yield "a word renamed", {JSON: tokenizer_json(words=[*WORDS[:-1], "B"])}, f"1 of {end} words {differ}"
    yield "added tokens in vocab.txt too", {JSON: tokenizer_json([(end, added("Zq", normalized=False))]),
                                            "vocab.txt": [*WORDS, "Zq"]}, None
    yield "another id in json", {JSON: tokenizer_json([(end + 5, added("zq"))])}, "is the next free one"
    yield "a word's id in json", {JSON: tokenizer_json([(7, added("[MASK]"))])}, "in the vocabulary"
    yield "one id, two tokens", {JSON: tokenizer_json([(end, added("zq"))]),
                                 CONFIG: {"added_tokens_decoder": {str(end): added("<t>")}}}, "has id"
    yield "one token, two ids", {JSON: tokenizer_json([(end, added("zq"))]), ADDED: {"<t>": end, "zq": end + 1}}, "has id"
    gap = {**{w: i for i, w in enumerate(WORDS)}, "late": end + 7}
    blanks = [*WORDS, *[""] * 7, "late"]
    for tokens in ([], [(end + 1, added("zq"))]):
        name = f"ids without words in json, {len(tokens)} tokens"
        yield f"{name}, alone", {JSON: tokenizer_json(tokens, words=gap), "vocab.txt": None, MAP: {"pad_token": "<t>"}}, None
        yield f"{name}, with vocab.txt", {JSON: tokenizer_json(tokens, words=gap), "vocab.txt": blanks, MAP: {"pad_token": "<t>"}}, None
    yield "blank lines", {"vocab.txt": blanks, MAP: {"pad_token": "<t>"}, ADDED: {"zq": end + 2}}, None
    yield "twins", {CONFIG: {"added_tokens_decoder": {str(end): added("zq", normalized=True),
                                                      str(end + 1): added("ZQ", normalized=True)}}}, "have the same normalised form"


def random_cases(rng, count):
    """Several tokens with overlapping texts, in random files."""
    end = len(WORDS)
    for number in range(count):
        contents = rng.sample(CONTENTS, rng.randint(1, 6))
        tokens = [added(content, **{flag: rng.random() < 0.4 for flag in FLAGS}) for content in contents]
        if len({t["content"].lower().replace("é", "e").replace("\u0301", "").replace("\t", " ") for t in tokens
                if t["normalized"]}) < sum(t["normalized"] for t in tokens):
            continue
        new = itertools.count(end)
        ids = [WORDS.index(t["content"]) if t["content"] in WORDS else next(new) for t in tokens]
        place = rng.choice(["decoder", "json", "generic", "config"])
        case = {"do_lower_case": rng.random() < 0.7, "strip_accents": rng.choice([None, True, False])}
        kind = {"lowercase": case["do_lower_case"], "strip_accents": case["strip_accents"]}
        for token in tokens:
            token["special"] = rng.random() < 0.5
        files = {"decoder": {CONFIG: {**case, "added_tokens_decoder": {str(i): t for i, t in zip(ids, tokens)}}},
                 "json": {CONFIG: case, JSON: tokenizer_json(zip(ids, tokens))},
                 "generic": {CONFIG: GENERIC, JSON: tokenizer_json(zip(ids, tokens), **kind)},
                 "config": {CONFIG: {**case, "extra_special_tokens": [{**t, "__type": "AddedToken"} for t in tokens]}}}[place]
        yield f"random {number} {place} {[t['content'] for t in tokens]}", files, None


def texts(rng, count, files):
    """Random texts of the directory's tokens and characters next to them."""
    quoted = re.findall(r'"content": "((?:[^"\\]|\\.)*)"', json.dumps(files))
    own = [json.loads(f'"{text}"') for text in quoted] + ["[MASK]", "[CLS]", "zq", "<t>", "new york"]
    turns = [str, str, str.lower, str.upper, str.title, lambda t: t[:1] + "\u0301" + t[1:], lambda t: " ".join(t.split(" ")) + " "]
    for _ in range(count):
        parts = [rng.choice(turns)(rng.choice(own)) if rng.random() < 0.45 else rng.choice(FRAGMENTS)
                 for _ in range(rng.randint(1, 7))]
        yield "".join(parts).replace("\n", " ").replace("\r", " ")


def write(folder, files):
    contents = {"vocab.txt": WORDS, "config.json": {"model_type": "bert"}, **files}
    for name, content in contents.items():
        if content is None:
            continue
        text = "".join(word + "\n" for word in content) if name == "vocab.txt" else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")


def reference_ids(folder, lines):
    import transformers
    transformers.logging.set_verbosity_error()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # whatever the reason, the reference gives no ids to compare
        return None, f"{type(error).__name__}: {error}"
    return [e.ids for e in tokenizer.backend_tokenizer.encode_batch(lines)], None


def check(bertc, name, files, refused, lines):
    """Compare one directory; returns the number of differences and the number of texts compared."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder, files)
        done = subprocess.run([bertc, "tokenize", "--model", folder], input="".join(t + "\n" for t in lines).encode(),
                              capture_output=True)
        message = done.stderr.decode().strip()
        if refused:
            if done.returncode == 3 and refused in message:
                return 0, 1
            print(f"{name}: not refused with \"{refused}\": exit {done.returncode}, {message}")
            return 1, 1
        theirs, why = reference_ids(folder, lines)
        if theirs is None:
            print(f"{name}: left out, the reference refuses it: {why[:120]}")
            return 0, 0
        if done.returncode:
            print(f"{name}: exit {done.returncode}: {message}")
            return len(lines), len(lines)
        ours = [[int(i) for i in line.split()] for line in done.stdout.decode().split("\n")[:-1]]
        wrong = [(text, mine, its) for text, mine, its in zip(lines, ours, theirs) if mine != its]
        for text, mine, its in wrong[:2]:
            print(f"{name}: {text!r}\n  bertc     {mine}\n  reference {its}")
        return len(wrong) + abs(len(ours) - len(theirs)), len(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bertc", default="build/release/bertc")
    parser.add_argument("--texts", type=int, default=200, help="number of texts for each directory")
    parser.add_argument("--random", type=int, default=200, help="number of directories with several tokens")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    try:
        import tokenizers
        import transformers
    except ImportError as error:
        print(f"skipped: {error}")
        return SKIPPED
    if int(transformers.__version__.split(".")[0]) < 5:
        print(f"skipped: transformers {transformers.__version__}, 5 is needed")
        return SKIPPED
    print(f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}")
    rng = random.Random(args.seed)
    cases = [(name, files, None) for name, files in flag_cases()] + list(place_cases()) + list(random_cases(rng, args.random))
    differences = compared = 0
    for name, files, refused in cases:
        wrong, count = check(args.bertc, name, files, refused, list(texts(rng, args.texts, files)))
        differences += wrong
        compared += count
    print(f"tokenizer files: {differences:,d} differences in {compared:,d} encodings of {len(cases)} directories")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
