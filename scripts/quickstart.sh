#!/bin/sh
# From a fresh Debian machine to fine-tuned models: install missing packages, build, write the sample data, train a small
# encoder from scratch on three tasks, and print its scores.
#
#   scripts/quickstart.sh [FOLDER]      default: build/quickstart, replaced each time
set -eu
# Threads that wait for each other sleep: on a machine with other work, threads that wait actively make runs many times longer.
OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export OMP_WAIT_POLICY
cd "$(dirname "$0")/.."
. scripts/packages.sh
install_packages $packages_build

out=${1:-build/quickstart}
bertc=build/release/bertc
cmake --preset release -G Ninja -DBERTC_TESTS=OFF >/dev/null
cmake --build --preset release --target installed -j "$(nproc)"

if [ -e "$out" ] && [ ! -e "$out/.bertc-quickstart" ]; then
    echo "$out: exists and is not from an earlier quickstart" >&2
    exit 2
fi
rm -rf "$out"
mkdir -p "$out"
touch "$out/.bertc-quickstart"
"$bertc" sample --out "$out/sample"

# share_of_majority FILE COLUMN FIRST_ROW: the share of the most frequent label in a column (0: the last column).
share_of_majority() {
    awk -F '\t' -v column="$2" -v first="$3" '
        NR >= first { n++; if (++seen[$(column ? column : NF)] > most) most = seen[$(column ? column : NF)] }
        END { printf "%.3f", most / n }' "$1"
}

# from_json KEY < object
from_json() {
    sed -n "s/.*\"$1\":\([-0-9.e+]*\).*/\1/p"
}

# try TASK FOLDER DEV_FILE COLUMN FIRST_ROW [OPTION]...
try() {
    task=$1 data=$out/sample/$2 dev=$out/sample/$2/$3 column=$4 first=$5
    shift 5
    echo "== $task"
    "$bertc" finetune --task "$task" --model "$out/sample/model" --data "$data" \
        --out "$out/$task" "$@" >"$out/$task.json"
    "$bertc" predict --task "$task" --model "$out/$task" --data "$data" --split test \
        --out "$out/$task.tsv"
    printf '%-6s %-9s %8.3f %10s %9d\n' "$task" accuracy \
        "$("$bertc" eval --task "$task" --model "$out/$task" --data "$data" --json | from_json accuracy)" \
        "$(share_of_majority "$dev" "$column" "$first")" \
        "$(($(wc -l <"$out/$task.tsv") - 1))" >>"$out/table"
}

# Training from random weights needs more epochs and a higher learning rate than from a pretrained model.
try sst2 SST-2 dev.tsv 2 2 --recipe google --epochs 4 --lr 5e-4
try cola CoLA dev.tsv 2 1 --recipe google --epochs 12 --lr 3e-4 --batch-size 16
try mnli MNLI dev_matched.tsv 0 2 --recipe google --epochs 5 --lr 3e-4

cat <<END

A small encoder, trained from random weights on the sample data:

task   metric    result   majority predicted
$(cat "$out/table")

"majority" is the accuracy of always predicting the most frequent label. Models and predictions are in
$out. For real data, take a BERT directory from Hugging Face (config.json,
model.safetensors, vocab.txt) and the GLUE folders, then

  $bertc finetune --task sst2 --model MODEL --data GLUE --out run
  $bertc eval     --task sst2 --model run --data GLUE
  $bertc predict  --task sst2 --model run --data GLUE --split test --out SST-2.tsv

'$bertc help' lists the rest; scripts/glue.sh runs every task.
END
