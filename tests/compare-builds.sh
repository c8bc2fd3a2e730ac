#!/bin/sh
# The same runs by two programs, compared to the bit: for a change that must not change a result.
#
#   sh compare-builds.sh OLD NEW [PATTERN]...
#
# OLD and NEW are two programs bertc. A PATTERN chooses cases by their names (as in sh: 'lora*'). OLD writes the
# sample and the models that the cases begin with. Then both programs do each case, each in a folder of its own, and
# the files that they leave, their output and their exit codes are compared. Each case gives one line:
#
#   same NAME
#   DIFFERS NAME: FILE...      the results are not the same
#   FAILS NAME: WHAT           a command did not end as the case expects, so the case shows nothing
#   text differs NAME: FILE... results are the same, messages or help are not; this is no failure
#   adds NAME: WHAT...         NEW writes everything that OLD writes, and more: files, or members of JSON objects. Both are
#                              named; this is no failure
#   skipped NAME: WHY          the processor cannot run the case
#
# Exit code 0: nothing differs; 1: something differs or fails; 2: usage. The folders of cases that differ or fail are
# kept, and their names are printed at the end. Times (the log's seconds, speeds in messages, and with them a
# checkpoint's hash of the log), the versions in run.json, and hashes of JSON files that may have more members (run.json
# in a task's folder, the first line of a journal) are not compared.
set -uf
[ $# -ge 2 ] || { echo "usage: sh compare-builds.sh OLD NEW [PATTERN]..." >&2; exit 2; }

# program FILE: its path from everywhere
program() {
    [ -f "$1" ] && [ -x "$1" ] || { echo "compare-builds.sh: $1: no program" >&2; return 1; }
    case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac
}
old=$(program "$1") && new=$(program "$2") || exit 2
shift 2
patterns=${*:-*}
LC_ALL=C OMP_WAIT_POLICY=passive
export LC_ALL OMP_WAIT_POLICY
work=$(mktemp -d) && cd "$work" || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# ---- What a case does, in a folder of its own, with $BERTC

# b CODE ARG...: the next command of the case: its output, messages and exit code are kept under its number. Where
# it does not end with CODE, that is written to 'fails'.
number=0
b() {
    code=$1
    shift
    number=$((number + 1))
    nice "$BERTC" "$@" <"${input:-/dev/null}" >$number.out 2>$number.text
    ended $? "$@"
}
ended() {
    got=$1
    shift
    echo "$got" >$number.code
    [ "$got" = "$code" ] || echo "exit code $got, not $code, of 'bertc $*': $(tail -n 1 $number.text)" >>fails
}

data=../../sample
common="--data $data --batch-size 8 --lr 5e-4 --threads 1"
short="--max-steps 6 --limit-eval 40"

# score TASK MODEL OPTION...: the dev split and the predictions for the test split, computed as the run was
score() {
    task=$1 model=$2
    shift 2
    like="--limit 40 --threads 1"
    while [ $# -gt 0 ]; do
        case $1 in --precision | --backend | --threads) like="$like $1 $2" ;; esac
        shift
    done
    b 0 eval --task "$task" --model "$model" --data $data --json $like
    b 0 predict --task "$task" --model "$model" --data $data --out "$model/$task.tsv" --logits "$model/$task.logits" $like
}

# tune TASK[,TASK...] OPTION...: fine-tune into 'run', then score each task's model
tune() {
    tasks=$1
    shift
    b 0 finetune --task "$tasks" --model $data/model $common $short --out run "$@"
    case $tasks in
    *,*) for each in $(echo "$tasks" | tr , ' '); do score "$each" "run/$each" "$@"; done ;;
    *) score "$tasks" run "$@" ;;
    esac
}

# twice TASK OPTION...: the same run twice, the second with what the first left in --cache-dir
twice() {
    tune "$@"
    mv run first
    tune "$@"
}

# after FIRST TASK OPTION...: fine-tune TASK from a run of FIRST; over: from an adapter of FIRST
after() {
    b 0 finetune --task "$1" --model $data/model $common $short --out first
    shift
    tune "$@" --model first
}
over() {
    b 0 finetune --task "$1" --model $data/model $common $short --out first --lora-rank 4 --lora-save adapter
    shift
    tune "$@" --model first
}

# cut TASK OPTION...: a run of 60 steps in three pieces: it is terminated before step 20, then ends at step 40,
# where another's file has the checkpoint's name, and goes on from its checkpoint of step 20 to the end. That checkpoint is compared too.
cut() {
    set -- "$@" --out run --max-steps 60 --limit-eval 40 --save-every 20
    task=$1
    shift
    code=143
    for try in 1 2 3 4 5 6 7 8 9; do
        rm -rf run fails
        number=1
        nice "$BERTC" finetune --task "$task" --model $data/model $common --batch-size 32 "$@" --save-every 0 \
            </dev/null >1.out 2>1.text &
        while [ ! -s run/log.jsonl ] && kill -0 $! 2>/dev/null; do sleep 0.01; done
        kill $! 2>/dev/null
        wait $!
        ended $? finetune "$@"
        [ -f run/log.jsonl ] && [ "$(grep -c '"loss":.*"tokens"' run/log.jsonl)" -lt 20 ] && break
    done
    [ -d run/checkpoint ] || return
    echo mine >run/checkpoint/step-40.safetensors
    b 4 finetune --task "$task" --model $data/model $common --batch-size 32 "$@" --resume
    [ -f run/checkpoint/step-20.safetensors ] || return
    cp run/checkpoint/step-20.safetensors .
    rm run/checkpoint/step-40.safetensors
    b 0 finetune --task "$task" --model $data/model $common --batch-size 32 "$@" --resume
    b 0 finetune --task "$task" --model $data/model $common --batch-size 32 "$@" --resume
}

# ask CODE ARG...: one command; what it prints and writes is its result
ask() { b "$@"; }

# lines TEXTS ARG...: the same over lines of a file
lines() {
    input=../../$1
    shift
    b 0 "$@"
}

# say CODE ARG...: one command that prints words for people
say() {
    b "$@"
    mv $number.out $number.help.text
}

# plan OPTION...: steps and tokens are results, computed sizes are text; measured sizes and times are left out
plan() {
    b 0 plan --data $data --batch-size 8 --threads 1 --json "$@"
    sed 's/"vocabulary":.*"limit":"[^"]*",//; s/,"measured_steps":.*//' $number.out >sizes.text
    sed 's/.*\("steps":[^,]*,"tokens_per_step":[^,]*\),.*/\1/' $number.out >steps
    rm $number.out
}

# ---- The comparison

# A tensor file: the length of its header, the header, the rest
length() { od -An -tu8 -N8 "$1" | tr -d ' '; }
header() { tail -c +9 "$1" | head -c "$(length "$1")"; }
tensors() { tail -c +$((9 + $(length "$1"))) "$1"; }

# settle: in a case's folder, what is due to time and version is taken out of its files
settle() {
    for file in $(find . -name 'step-*.safetensors'); do
        [ "$(wc -c <"$file")" -gt 100 ] || continue
        header "$file" | sed 's/\\"log_bytes\\":[0-9]*,//; s/"log":"[0-9a-f]*","xxh3":"[0-9a-f]*"//; s/ *$//' >"$file.header"
        tensors "$file" >"$file.tensors"
        rm "$file"
    done
    for file in $(find . -name log.jsonl); do
        sed 's/,"seconds":[^}]*//' "$file" >settled && mv settled "$file"
    done
    for file in $(find . -name run.json); do
        sed 's/"bertc":"[^"]*","libraries":"[^"]*",//; s/"[^"/]*\/run\.json":{[^}]*},\{0,1\}//g' "$file" >settled &&
            mv settled "$file"
    done
    for file in $(find . -name journal.jsonl); do
        sed '1s/,"xxh3":"[^"]*"}$/}/' "$file" >settled && mv settled "$file"
    done
    for file in $(find . -name '*.text'); do
        sed '/^[a-z]* [0-9]*\/[0-9]* .*tokens\/s/d; s/, the last [0-9]* of them//; s/ in [0-9hms ]*, [0-9]* tokens\/s//
            s/\(stopped at\|going on from\) step [0-9]*/\1 a step/' "$file" >settled &&
            mv settled "$file"
    done
}

# side DIR PROGRAM NAME HOW ARG...: a case by one of the two programs
side() {
    mkdir -p "$1/$3" && cd "$1/$3" || exit 1
    BERTC=$2
    shift 3
    "$@"
    settle
}

# members FILE: the values in a file of JSON texts, a line each: the line's number, the path of member names, the value. A
# string that contains an object, as in a checkpoint's header, is taken as that object.
members() {
    sed 's/\\"/"/g; s/"{/{/g; s/}"/}/g' "$1" | awk '
    function place(   i, path) {
        for (i = 1; i <= depth; i++) path = path "." (kind[i] == "[" ? at[i] : key[i])
        return path
    }
    {
        text = text "\n" $0
    }
    END {
        depth = 0
        while (match(text, /"([^"\\]|\\.)*"|[][{},:]|[^][{},:" \n]+/)) {
            token = substr(text, RSTART, RLENGTH)
            text = substr(text, RSTART + RLENGTH)
            if (token == "{" || token == "[") { kind[++depth] = token; at[depth] = 0; named = 0 }
            else if (token == "}" || token == "]") { depth--; if (depth == 0) texts++ }
            else if (token == ",") { at[depth]++; named = 0 }
            else if (token == ":") named = 1
            else if (kind[depth] == "{" && !named) key[depth] = token
            else print texts + 0 place() "=" token
        }
    }' | sort
}

# added NAME FILE: what the new program adds to a JSON file, a line each; false if it also changes or lacks something
added() {
    [ -f "old/$1/$2" ] && [ -f "new/$1/$2" ] || return 1
    members "old/$1/$2" >members.old
    members "new/$1/$2" >members.new
    [ -s members.old ] && [ -z "$(comm -23 members.old members.new)" ] || return 1
    comm -13 members.old members.new | sed 's/=.*//; s/^[0-9]*\.//; s/\.[0-9]*$//; s/"//g
        s/^\(files\..*\)\.bytes$/\1/; s/^\(files\..*\)\.xxh3$/\1/' | sort -u
}

# unlike NAME: the files of a case that differ or that only one of the two has, a line each; "+" before those that only
# the new program has, or to which it only adds members, which follow in parentheses
unlike() {
    { (cd "old/$1" && find . ! -name fails); (cd "new/$1" && find . ! -name fails); } | sort -u | while read -r file; do
        [ -d "old/$1/$file" ] && [ -d "new/$1/$file" ] && continue
        cmp -s "old/$1/$file" "new/$1/$file" && continue
        more=
        case $file in
        *.text) ;;
        *.json | *.header | */journal.jsonl) more=$(added "$1" "$file") && more="+$(echo "$more" | tr '\n' ' ')" ;;
        esac
        if [ -n "$more" ]; then
            echo "+${file#./}($(echo "${more#+}" | sed 's/ $//; s/ /,/g'))"
        elif [ ! -e "old/$1/$file" ]; then echo "+${file#./}"
        else echo "${file#./}"
        fi
    done
}

# chosen NAME: whether a pattern is that case's
chosen() {
    for pattern in $patterns; do
        # shellcheck disable=SC2254
        case $1 in $pattern) return 0 ;; esac
    done
    return 1
}

cases=0 alike=0 texts=0 more=0 skipped=0 failed=0
compare() {
    name=$1 how=$2
    shift 2
    chosen "$name" || return
    cases=$((cases + 1))
    case $name in
    native-*) if [ "$native" != 0 ]; then
        skipped=$((skipped + 1))
        echo "skipped $name: $(tail -n 1 native.text)"
        return
    fi ;;
    esac
    (side old "$old" "$name" "$how" "$@") &
    (side new "$new" "$name" "$how" "$@") &
    wait
    unlike "$name" >unlike
    results=$(grep -v '\.text$\|^+' unlike | tr '\n' ' ')
    messages=$(grep -v '^+' unlike | grep '\.text$' | tr '\n' ' ')
    additions=$(sed -n 's/^+//p' unlike | tr '\n' ' ')
    if [ -f "old/$name/fails" ]; then
        failed=$((failed + 1))
        echo "FAILS $name: old: $(head -n 1 "old/$name/fails")"
    elif [ -n "$results" ]; then
        failed=$((failed + 1))
        echo "DIFFERS $name: ${results% }"
    elif [ -n "$additions" ]; then
        more=$((more + 1))
        echo "adds $name: ${additions% }${messages:+; text differs: ${messages% }}"
    elif [ -n "$messages" ]; then
        texts=$((texts + 1))
        echo "text differs $name: ${messages% }"
    else
        alike=$((alike + 1))
        echo "same $name"
        rm -rf "old/$name" "new/$name"
    fi
}

# ---- What the cases begin with

# remade FROM TO EDIT [TENSORS]: a copy of a model's folder whose tensor file has the header after EDIT, a function of awk,
# and the tensors after TENSORS, a function
remade() {
    cp -r "$1" "$2"
    {
        header "$1/model.safetensors" | awk "$edits"'{ '"$3"'
            n = length + 8 - length % 8
            printf "%c%c%c%c%c%c%c%c%-" n "s", n % 256, n / 256 % 256, 0, 0, 0, 0, 0, 0, $0 }'
        tensors "$1/model.safetensors" | ${4:-cat}
    } >"$2/model.safetensors"
}
# Older names, without the encoder's prefix; a head of another name; tensors of 16 or 64 bits in place of 32: the upper
# halves of the old ones, or these as upper halves
edits='
function bare() {
    gsub(/"bert\./, "\""); gsub(/LayerNorm\.weight/, "LayerNorm.gamma"); gsub(/LayerNorm\.bias/, "LayerNorm.beta")
}
function headless() { gsub(/"classifier\./, "\"otherhead.") }
function sized(type, times, out, at) {
    gsub(/"F32"/, "\"" type "\"")
    while (match($0, /"data_offsets":\[[0-9]*,[0-9]*\]/)) {
        split(substr($0, RSTART + 16, RLENGTH - 17), at, ",")
        out = out substr($0, 1, RSTART - 1) "\"data_offsets\":[" at[1] * times "," at[2] * times "]"
        $0 = substr($0, RSTART + RLENGTH)
    }
    $0 = out $0
}
'
halved() { od -An -v -tu1 | awk '{ for (i = 3; i < NF; i += 4) printf "%c%c", $i, $(i + 1) }'; }
doubled() {
    od -An -v -tu1 | awk '{ for (i = 1; i < NF; i += 4) printf "%c%c%c%c%c%c%c%c", 0, 0, 0, 0, $i, $(i + 1), $(i + 2), $(i + 3) }'
}

nice "$old" sample --out sample && nice "$old" init --vocab sample/vocab.txt --out deep --layers 4 --hidden 64 \
    --heads 4 --max-positions 64 --initializer-range 0.05 &&
    nice "$old" init --vocab sample/vocab.txt --out small --layers 2 --hidden 16 --heads 2 --max-positions 32 --cased &&
    mkdir -p made/by && (cd made/by &&
    start="--model ../../sample/model --data ../../sample --max-steps 2 --limit-eval 1 --threads 1" &&
    nice "$old" finetune --task mnli $start --out ../../mnli &&
    nice "$old" finetune --task sst2 $start --out ../../adapter --lora-rank 2 --lora-save adapter) >made/out 2>made/err || {
    echo "compare-builds.sh: $old cannot make what the cases begin with: $(tail -n 1 made/err)" >&2
    exit 1
}
remade small bare 'bare()'
remade small headless 'headless()'
remade small bf16 'sized("BF16", 0.5)' halved
remade small f16 'sized("F16", 0.5)' halved
remade small f64 'sized("F64", 2)' doubled
tail -n +2 sample/SST-2/test.tsv | sed 's/^[^	]*	//' >single
printf 'a good film\n\nthe "plot" was not bad\nDas Café — 北京 \360\237\230\200 unbelievable\n%s\n' "$(sed 40q single)" >texts
sed 's/.*/&	the film is fine/' single >pairs
nice "$old" eval --task sst2 --model sample/model --data sample --limit 1 --precision bf16 >/dev/null 2>native.text
native=$?

# ---- The cases: NAME HOW ARG...; names that begin with native- need bf16 in the processor
while read -r line; do
    case $line in '' | '#'*) continue ;; esac
    # shellcheck disable=SC2086
    compare $line </dev/null
done <<'end'
# Every task, both recipes
cola                tune cola
sst2                tune sst2
mrpc                tune mrpc
stsb                tune stsb
qqp                 tune qqp
mnli                tune mnli
mnli-mm             tune mnli-mm
qnli                tune qnli
rte                 tune rte
wnli                tune wnli
ax                  ask 0 predict --task ax --model ../../mnli --data ../../sample --out ax.tsv --logits ax.logits --threads 1
google-cola         tune cola --recipe google
google-stsb         tune stsb --recipe google --dropout 0
google-mnli         tune mnli --recipe google --warmup-ratio 0.5 --weight-decay 0.1 --max-grad-norm 0.1

# Schedule, order, lengths
epochs              tune wnli --max-steps 0 --epochs 1.5 --limit-train 40 --eval-every 3
no-shuffle          tune sst2 --no-shuffle --seed 7
warm                tune sst2 --warmup-ratio 0.5 --weight-decay 0.01 --max-grad-norm 0
dropout             tune mrpc --dropout 0.3
length              tune qnli --max-length 12 --batch-size 5 --eval-batch-size 7
one                 tune sst2 --batch-size 1 --max-steps 20
limits              tune qqp --limit-train 100 --stratified --max-steps 0 --epochs 1
limits-stsb         tune stsb --limit-train 100 --stratified --max-steps 0 --epochs 1
two-threads         tune mnli --threads 2 --batch-size 32
two-threads-google  tune stsb --threads 2 --batch-size 32 --recipe google
saved               tune sst2 --save-every 2
long                tune sst2 --batch-size 2 --max-steps 300

# Objective
weights             tune mnli --class-weights 1,2,0.5 --label-smoothing 0.1
balanced            tune qqp --class-weights balanced --limit-train 200
smoothed            tune cola --label-smoothing 0.3 --recipe google

# Backends and bf16
openblas            tune mnli --backend openblas
openblas-two        tune sst2 --backend openblas --threads 2 --batch-size 32
openblas-frozen     tune sst2 --backend openblas --freeze 1
reference           tune sst2 --backend reference
reference-stsb      tune stsb --backend reference --recipe google
bf16                tune sst2 --backend reference --precision bf16 --model ../../deep
bf16-stsb           tune stsb --backend reference --precision bf16 --model ../../deep --micro-batch-tokens 60
bf16-lora           tune sst2 --backend reference --precision bf16 --model ../../deep --lora-rank 4 --freeze 1
bf16-checkpointing  tune sst2 --backend reference --precision bf16 --model ../../deep --gradient-checkpointing 2
bf16-frozen         tune rte --backend reference --precision bf16 --model ../../deep --freeze 3 --limit-train 24
native-sst2         tune sst2 --precision bf16
native-stsb         tune stsb --precision bf16 --recipe google
native-two          tune mnli --precision bf16 --threads 2 --batch-size 32
native-frozen       tune mrpc --precision bf16 --model ../../deep --freeze 2 --limit-train 24 --max-steps 9
native-lora         tune mrpc --precision bf16 --model ../../deep --lora-rank 4 --lora-targets all
native-micro        tune mnli --precision bf16 --micro-batch-tokens 60 --gradient-checkpointing 1
native-many         tune sst2,mnli --precision bf16
auto                tune sst2 --precision auto

# Micro-batches and checkpointing
micro               tune mnli --micro-batch-tokens 60
micro-one           tune stsb --micro-batch-tokens 1
micro-weights       tune mnli --micro-batch-tokens 60 --class-weights 1,2,0.5 --label-smoothing 0.1
checkpointing       tune mnli --gradient-checkpointing 1 --model ../../deep
checkpointing-2     tune qnli --gradient-checkpointing 2 --model ../../deep --micro-batch-tokens 80
checkpointing-3     tune sst2 --gradient-checkpointing 3 --model ../../deep --lora-rank 2 --lora-dropout 0.1

# What is trained
embeddings          tune sst2 --freeze embeddings
freeze              tune mnli --freeze 2 --model ../../deep
head-only           tune sst2 --freeze all --head-lr 1e-2
thaw                tune cola --freeze all --unfreeze-schedule each-epoch --limit-train 16 --max-steps 0 --epochs 7 --model ../../deep
thaw-table          tune stsb --freeze all --unfreeze-schedule 1:3,2:embeddings,3:none --limit-train 24 --max-steps 0 --epochs 4 --model ../../deep --recipe google
thaw-in-epoch       tune sst2 --freeze 3 --unfreeze-schedule 0.3:1,1.6:none --limit-train 32 --max-steps 0 --epochs 2 --model ../../deep
decay               tune sst2 --layer-lr-decay 0.5 --model ../../deep
decay-head          tune stsb --layer-lr-decay 0.8 --head-lr 1e-3 --freeze 1 --model ../../deep --recipe google
bias                tune mnli --train-only bias
bias-freeze         tune sst2 --train-only bias --freeze 2 --model ../../deep --layer-lr-decay 0.9
keep-layers         tune rte --keep-layers 2 --model ../../deep
feature-layer       tune sst2 --feature-layer 2 --model ../../deep
reinit              tune sst2 --reinit-layers 2 --model ../../deep
keep-reinit         tune mrpc --keep-layers 3 --reinit-layers 1 --freeze 1 --model ../../deep
lora                tune sst2 --lora-rank 4 --lr 1e-3
lora-adapter        tune mnli --lora-rank 4 --lora-save adapter --lr 1e-3
lora-all            tune stsb --lora-rank 3 --lora-alpha 16 --lora-dropout 0.1 --lora-targets all --lora-save adapter
lora-freeze         tune qqp --lora-rank 2 --freeze 2 --model ../../deep --lora-targets key,output.dense --recipe google
lora-decay          tune rte --lora-rank 2 --layer-lr-decay 0.7 --head-lr 1e-3 --keep-layers 2 --model ../../deep

# From an earlier run, an adapter, files of other kinds
after-head-kept     after rte qnli
after-head-new      after mnli rte
after-other-order   after rte wnli --class-weights 1,3
after-stsb          after sst2 stsb --recipe google
over-adapter        over sst2 sst2
over-adapter-lora   over rte mnli --lora-rank 2
from-cased          tune sst2 --model ../../small
from-bare           tune sst2 --model ../../bare
from-headless       tune mnli --model ../../headless
from-bf16           tune sst2 --model ../../bf16
from-f16            tune sst2 --model ../../f16 --freeze 1
from-f64            tune sst2 --model ../../f64

# Outputs of frozen layers that are kept: in memory, in a file, in part, for later runs
cache-none          tune sst2 --freeze 2 --model ../../deep --cache-memory 0 --cache-disk 0 --limit-train 40 --max-steps 12
cache-memory        tune sst2 --freeze 2 --model ../../deep --limit-train 40 --max-steps 12
cache-disk          tune sst2 --freeze 2 --model ../../deep --cache-memory 0 --limit-train 40 --max-steps 12
cache-part          tune mnli --freeze 1 --cache-memory 1 --cache-disk 1 --limit-train 400 --max-steps 0 --epochs 2
cache-all           tune stsb --freeze all --cache-memory 0 --limit-train 40 --max-steps 12
cache-dir           twice sst2 --freeze 2 --model ../../deep --cache-dir kept --limit-train 40 --max-steps 12
cache-dir-all       twice mnli --freeze all --cache-dir kept --limit-train 40 --max-steps 12 --recipe google
cache-lora          tune sst2 --freeze 1 --lora-rank 2 --limit-train 40 --max-steps 12 --micro-batch-tokens 50
cache-two-threads   twice rte --freeze 1 --cache-dir kept --limit-train 40 --max-steps 12 --threads 2

# Evaluations
splits              tune mnli --eval-splits dev,mnli-mm,train --eval-every 3
splits-names        tune rte --eval-splits wnli,dev --keep best --eval-every 2
best                tune mrpc --keep best --eval-every 2 --best-metric accuracy --max-steps 10
best-loss           tune stsb --keep best --eval-every 2 --best-metric loss --max-steps 10
patience            tune sst2 --patience 2 --eval-every 2 --keep best --max-steps 30 --lr 1e-2
patience-epochs     tune cola --patience 1 --max-steps 0 --epochs 5 --limit-train 32 --lr 1e-2

# Several tasks
many                tune sst2,cola,stsb --max-steps 12
many-annealed       tune mnli,wnli --task-sampling annealed --max-steps 0 --epochs 3 --limit-train 3000 --batch-size 256 --model ../../small
many-uniform        tune qqp,rte,mnli --task-sampling uniform --max-steps 12 --class-weights balanced --label-smoothing 0.1 --limit-train 60
many-best           tune mrpc,stsb,wnli --task-sampling uniform --keep best --eval-every 4 --patience 2 --max-steps 20 --recipe google
many-lora           tune sst2,mnli --lora-rank 2 --lora-save adapter --max-steps 12
many-freeze         tune sst2,stsb --freeze 1 --max-steps 12 --limit-train 40 --micro-batch-tokens 50
many-thaw           tune sst2,cola --model ../../deep --freeze all --unfreeze-schedule each-epoch --limit-train 16 --max-steps 0 --epochs 6
many-splits         tune cola,sst2 --eval-splits train,dev --eval-every 5 --max-steps 10
many-bias           tune mnli,qnli --train-only bias --layer-lr-decay 0.5 --head-lr 1e-3 --threads 2

# Cut in the middle and resumed
cut                 cut sst2
cut-google          cut stsb --recipe google --micro-batch-tokens 100
cut-best            cut mrpc --keep best --eval-every 10
cut-lora            cut mnli --lora-rank 4 --lora-dropout 0.1 --lora-save adapter
cut-many            cut sst2,cola,stsb --keep best --eval-every 15
cut-annealed        cut rte,wnli --task-sampling annealed --batch-size 128 --model ../../small
cut-cache           cut sst2 --model ../../deep --freeze 2 --limit-train 800
cut-cache-disk      cut rte --model ../../deep --freeze 3 --limit-train 800 --cache-memory 0
cut-cache-dir       cut mrpc --model ../../deep --freeze all --limit-train 800 --cache-dir kept
cut-thaw            cut cola --model ../../deep --freeze all --unfreeze-schedule each-epoch --limit-train 480
cut-bias            cut sst2 --train-only bias --layer-lr-decay 0.5
cut-two-threads     cut mnli --threads 2 --eval-splits dev,mnli-mm --eval-every 25
native-cut          cut mnli --precision bf16 --gradient-checkpointing 1

# Refused and diverged
diverged            ask 6 finetune --task sst2 --model ../../sample/model --data ../../sample --out run --lr 1e30 --max-steps 9 --threads 1 --save-every 1
no-data             ask 3 finetune --task sst2 --model ../../sample/model --data ../.. --out run
no-model            ask 3 finetune --task sst2 --model ../../sample --data ../../sample --out run
not-its-labels      ask 3 eval --task mnli --model ../../sample/model --data ../../sample
no-schedule         ask 2 finetune --task sst2 --model ../../sample/model --data ../../sample --out run --lora-rank 2 --unfreeze-schedule each-epoch
bad-option          ask 2 finetune --task sst2 --model ../../sample/model --data ../../sample --out run --freeze 9

# Commands over models and texts
eval-table          ask 0 eval --task mnli --model ../../mnli --data ../../sample --threads 2
eval-any            ask 0 eval --task sst2 --model ../../sample/model --data ../../sample --any-labels --json --split train --limit 100 --max-length 9 --batch-size 3 --threads 1
predict-lines       lines single predict --task sst2 --model ../../sample/model --logits logits --threads 1
predict-pairs       lines pairs predict --task mnli --model ../../mnli --logits logits --backend openblas --threads 1
predict-adapter     lines single predict --task sst2 --model ../../adapter --logits logits --backend reference --threads 1
embed-json          lines texts embed --model ../../deep --threads 1
embed-tsv           lines texts embed --model ../../deep --format tsv --layers all --combine concat --pool max --threads 2
embed-npy           lines texts embed --model ../../sample/model --format npy --pool none --out x.npy --offsets starts.npy --threads 1
embed-split         ask 0 embed --model ../../sample/model --task mrpc --data ../../sample --split train --limit 90 --layers 1,2 --pool cls --normalize --format npy --out x.npy --threads 1
embed-pair          lines pairs embed --model ../../bare --pair --max-length 9 --layers 0,1 --threads 1 --backend reference
embed-bf16          lines texts embed --model ../../deep --precision bf16 --backend reference --format tsv --threads 1
native-embed        lines texts embed --model ../../deep --precision bf16 --format tsv --layers 2 --threads 1
embed-adapter       lines texts embed --model ../../adapter --format tsv --threads 1
truncate            ask 0 truncate --model ../../deep --keep-layers 2 --out run
truncate-run        ask 0 truncate --model ../../mnli --keep-layers 1 --out run
truncate-bf16       ask 0 truncate --model ../../bf16 --keep-layers 1 --out run
truncate-f16        ask 0 truncate --model ../../f16 --keep-layers 1 --out run
truncate-bare       ask 0 truncate --model ../../bare --keep-layers 1 --out run
inspect             ask 0 inspect ../../deep
inspect-bare        ask 0 inspect ../../bare
inspect-headless    ask 0 inspect ../../headless
inspect-f16         ask 0 inspect ../../f16
inspect-f64         ask 0 inspect ../../f64
inspect-adapter     ask 0 inspect ../../adapter
inspect-file        ask 0 inspect ../../bf16/model.safetensors
init                ask 0 init --vocab ../../sample/vocab.txt --out run --layers 1 --hidden 24 --heads 3 --seed 5 --cased
sample              ask 0 sample --out run --seed 7
tokenize            lines texts tokenize --model ../../deep --offsets
tokenize-pairs      lines pairs tokenize --vocab ../../sample/vocab.txt --cased --pair --max-length 9 --parity google --threads 2
plan                plan --task sst2 --model ../../sample/model
plan-many           plan --task mnli,stsb --model ../../deep --freeze 2 --gradient-checkpointing 1 --micro-batch-tokens 100
plan-lora           plan --task mnli --model ../../deep --lora-rank 4 --backend reference --precision bf16

# Words for people
tasks               say 0 tasks
version             say 0 version
help                say 0 help
help-finetune       say 0 help finetune
help-plan           say 0 help plan
help-eval           say 0 help eval
help-predict        say 0 help predict
help-embed          say 0 help embed
help-tokenize       say 0 help tokenize
help-inspect        say 0 help inspect
help-init           say 0 help init
help-truncate       say 0 help truncate
help-sample         say 0 help sample
man                 say 0 help --man
end

[ $cases -gt 0 ] || { echo "compare-builds.sh: no case has a name like '$patterns'" >&2; exit 2; }
echo "$cases cases: $alike same, $texts text differs, $more adds, $skipped skipped, $failed DIFFERS or FAILS"
[ $((failed + texts + more)) = 0 ] || {
    echo "what differs is in $work/old and $work/new"
    trap - EXIT
}
[ $failed = 0 ]
