#!/bin/sh
# Runs that are killed with SIGKILL at random moments, one to three times each, and resumed. Every file of the result
# must equal that of an uninterrupted run, except the times in the log and the command line in run.json.
#
#   BERTC=path/to/bertc sh kill.sh [RUNS [SEED]]
#
# 3 runs by default. The moments are a function of the seed, which is printed so that a failure can be repeated (as far
# as the machine's speed allows).
set -eu

runs=${1:-3}
seed=${2:-$$}
bertc=${BERTC:?the program to torture}
case $bertc in /*) ;; *) bertc=$PWD/$bertc ;; esac
work=$(mktemp -d "${TMPDIR:-.}/torture_kill.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY
common="--model sample/model --data sample --threads 1 --batch-size 8 --max-steps 45
        --limit-train 240 --limit-eval 80 --lr 5e-4"
best="--task sst2 --keep best --eval-every 4 --save-every 3 --recipe google"
plain="--task sst2 --eval-every 7 --save-every 5 --micro-batch-tokens 40"

several="--task sst2,cola,stsb --keep best --eval-every 6 --save-every 4"

# random LOW HIGH: set $draw to the next random number; $state counts the draws
state=0
random() {
    state=$((state + 1))
    draw=$(awk -v s="$seed" -v n="$state" -v low="$1" -v high="$2" \
        'BEGIN { srand(s * 1000 + n); rand(); printf "%.3f", low + rand() * (high - low) }')
}

seconds() { date +%s.%N; }

# strip FILE: print the log without its times, or run.json without the command line
strip() { sed 's/"seconds":[0-9.]*//; s/^ "command":.*//' "$1"; }

compare() {
    (cd "$1" && find . | sort) > names.1
    (cd "$2" && find . | sort) > names.2
    cmp names.1 names.2 || return 1
    for name in $(cd "$1" && find . -type f); do
        if [ "$name" = ./log.jsonl ] || [ "$name" = ./run.json ]; then
            strip "$1/$name" > stripped.1
            strip "$2/$name" > stripped.2
            cmp stripped.1 stripped.2 || return 1
        else
            cmp "$1/$name" "$2/$name" || return 1
        fi
    done
}

# killed OPTIONS...: start or resume a run and kill it after a random part of a whole run's time; true if it was still
# running
killed() {
    random 0 "$whole_seconds"
    "$bertc" finetune $common "$@" --out run 2>> messages > /dev/null &
    pid=$!
    sleep "$draw"
    kill -9 $pid 2> /dev/null || true
    code=0
    wait $pid 2> /dev/null || code=$?
    [ $code -eq 137 ] && kills=$((kills + 1))
}

"$bertc" sample --out sample > /dev/null 2>&1
kills=0 failed=0
echo "seed $seed"
for variant in best plain several; do
    eval "options=\$$variant"
    begun=$(seconds)
    "$bertc" finetune $common $options --out "whole_$variant" > /dev/null 2>&1
    eval "${variant}_seconds=$(echo "$begun $(seconds)" | awk '{ print $2 - $1 }')"
done
i=0
while [ $i -lt "$runs" ]; do
    i=$((i + 1))
    variant=$(echo best plain several | cut -d ' ' -f $(((i - 1) % 3 + 1)))
    eval "options=\$$variant whole_seconds=\$${variant}_seconds"
    while rm -rf run messages && ! killed $options; do :; done
    random 0 3
    more=${draw%.*}
    while [ "$more" -gt 0 ] && killed $options --resume; do more=$((more - 1)); done
    if ! "$bertc" finetune $common $options --out run --resume 2>> messages > /dev/null ||
        ! compare "whole_$variant" run; then
        failed=$((failed + 1))
        echo "run $i ($variant) differs:"
        sed 's/^/    /' messages
    fi
done
echo "$runs runs, $kills kills, $failed differ"
[ $failed -eq 0 ]
