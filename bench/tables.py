"""The same rows as GLUE's TSV, CSV, CSV with all fields in quotes, and JSON lines.

python bench/tables.py GLUE/SST-2/train.tsv OUT [ROWS]

writes ROWS rows (a million), those of SST-2's train split again and again, to OUT/tsv, OUT/csv, OUT/quoted and OUT/jsonl. Each
is a folder for `bertc-bench inputs --data`.
"""

import csv
import json
import os
import sys

source, out = sys.argv[1:3]
rows = int(sys.argv[3]) if len(sys.argv) > 3 else 1000000
with open(source, encoding="utf-8", newline="\n") as file:
    examples = [line.rstrip("\n").split("\t") for line in file][1:]
files = {}
for kind, name in (("tsv", "SST-2/train.tsv"), ("csv", "sst2/train.csv"), ("quoted", "sst2/train.csv"), ("jsonl", "sst2/train.jsonl")):
    path = os.path.join(out, kind, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files[kind] = open(path, "w", encoding="utf-8", newline="")
minimal = csv.writer(files["csv"], lineterminator="\n")
quoted = csv.writer(files["quoted"], lineterminator="\n", quoting=csv.QUOTE_ALL)
files["tsv"].write("sentence\tlabel\n")
for writer in (minimal, quoted):
    writer.writerow(["sentence", "label", "idx"])
for i in range(rows):
    sentence, label = examples[i % len(examples)]
    files["tsv"].write(f"{sentence}\t{label}\n")
    for writer in (minimal, quoted):
        writer.writerow([sentence, label, i])
    files["jsonl"].write(json.dumps({"sentence": sentence, "label": int(label), "idx": i}) + "\n")
for file in files.values():
    file.close()
