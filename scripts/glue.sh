#!/bin/sh
# Fine-tune, evaluate and predict every GLUE task whose data is available, and print one table.
#
#   scripts/glue.sh MODEL GLUE OUT [option...] [-- option of 'bertc finetune'...]
#
#   --tasks "rte mrpc"     the tasks, in this order; default: all tasks with data in GLUE, small ones first. A task file
#                          such as tickets.json is a task too; it is called tickets, and no predictions are made for it
#   --seeds "42 43 44"     one run for each seed; default 42
#   --lrs "2e-5 3e-5"      one run for each learning rate; default 2e-5
#   --stages mnli:rte,mrpc,stsb     rte, mrpc and stsb start from mnli's run of the same rate and seed, not from
#                          MODEL; give several stages separated by blanks
#   --epochs N --batch-size N --max-length N     as in 'bertc finetune'
#
# MODEL is a model directory, GLUE the folder that holds CoLA, SST-2, ... (or tables in cola, sst2, ...), OUT receives
#
#   OUT/TASK/lr-RATE/seed-SEED/       the runs
#   OUT/scores/TASK.lr-RATE.seed-SEED.NAME.json     the output of 'bertc eval --json' for the dev split of NAME
#   OUT/submission/, OUT/submission.zip   predictions of each task's best run, for the GLUE server, which requires
#                          an index that counts from 0; without such an index in a test file there is no zip
#   OUT/table.txt                     the table
#
# mnli-mm and ax are evaluated and predicted with mnli's runs. After an interruption run the same command again to
# continue: finished work is skipped, an interrupted run is resumed. The program is $BERTC, else build/release/bertc,
# else bertc in the PATH.
#
# Exit code: 0; the code of the first run that failed (the other runs are still made); 2 for wrong usage; 3 if the server
# does not accept the predictions; 129, 130, 138 or 143 after SIGHUP, SIGINT, SIGUSR1 or SIGTERM, which is passed on to
# bertc.
set -u

script=$0
root=$(CDPATH='' cd -- "$(dirname -- "$script")/.." && pwd) || exit 4

say() {
    printf '%s\n' "$*" >&2
}

usage() {
    say "glue.sh: $*"
    sed -n '4,12s/^# \{0,1\}//p' "$script" >&2
    exit 2
}

# ---- Options -----------------------------------------------------------------------------------

case ${1-} in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$script" | sed '/^set/d'
    exit 0
    ;;
esac
[ $# -ge 3 ] || usage "needs MODEL GLUE OUT"
model=$1 glue=$2 out=$3
shift 3
tasks='' stages='' seeds=42 lrs=2e-5 epochs='' batch_size='' max_length=''
while [ $# -gt 0 ]; do
    case $1 in
    --)
        shift
        break
        ;;
    --tasks | --stages | --seeds | --lrs | --epochs | --batch-size | --max-length)
        [ $# -ge 2 ] || usage "$1 needs a value"
        case $1 in
        --tasks) tasks=$2 ;;
        --stages) stages=$2 ;;
        --seeds) seeds=$2 ;;
        --lrs) lrs=$2 ;;
        --epochs) epochs=$2 ;;
        --batch-size) batch_size=$2 ;;
        --max-length) max_length=$2 ;;
        esac
        shift 2
        ;;
    *) usage "unknown option '$1' (options of 'bertc finetune' follow after --)" ;;
    esac
done
# The rest of "$@" is passed to 'bertc finetune'. Options on which the table and the folder names depend are refused.
for option in "$@"; do
    case ${option%%=*} in
    --lr | --seed) usage "${option%%=*} after --: give ${option%%=*}s before it" ;;
    --epochs | --batch-size | --max-length) usage "${option%%=*} after --: give it before" ;;
    --task | --model | --data | --out | --resume) usage "${option%%=*} after --: the script sets it for each run" ;;
    esac
done

# Print the words of a list, each once.
once() {
    printf '%s\n' $1 | awk '!seen[$0]++'
}
tasks=$(once "$tasks") seeds=$(once "$seeds") lrs=$(once "$lrs")

bertc=${BERTC-}
if [ -z "$bertc" ]; then
    bertc=$root/build/release/bertc
    [ -x "$bertc" ] || bertc=$(command -v bertc) || usage "no bertc: build it or set BERTC"
fi
[ -d "$model" ] || usage "$model: no such model directory"
[ -d "$glue" ] || usage "$glue: no such folder"

# ---- Tasks -------------------------------------------------------------------------------------

all_tasks='wnli rte mrpc stsb cola sst2 qnli qqp mnli'

# Set folder, train, dev, test and submission of a task, and the names of its tables: a folder, and files without endings.
describe() {
    train=train.tsv dev=dev.tsv test=test.tsv
    table_folder=$1 table_train=train table_dev=validation table_test=test
    case $1 in
    cola) folder=CoLA ;;
    sst2) folder=SST-2 ;;
    mrpc) folder=MRPC ;;
    stsb) folder=STS-B ;;
    qqp) folder=QQP ;;
    qnli) folder=QNLI ;;
    rte) folder=RTE ;;
    wnli) folder=WNLI ;;
    mnli) folder=MNLI dev=dev_matched.tsv test=test_matched.tsv table_dev=validation_matched table_test=test_matched ;;
    mnli-mm)
        folder=MNLI dev=dev_mismatched.tsv test=test_mismatched.tsv
        table_folder=mnli table_dev=validation_mismatched table_test=test_mismatched
        ;;
    ax) folder=AX train='' dev=diagnostic.tsv test=diagnostic.tsv table_train='' table_dev='' ;;
    *) usage "unknown task '$1': choose from $all_tasks" ;;
    esac
    case $1 in
    mnli) submission=MNLI-m.tsv ;;
    mnli-mm) submission=MNLI-mm.tsv ;;
    *) submission=$folder.tsv ;;
    esac
    if [ "$1" = mrpc ] && [ ! -f "$glue/MRPC/train.tsv" ]; then
        train=msr_paraphrase_train.txt dev=dev_ids.tsv test=msr_paraphrase_test.txt
    fi
    if [ "$1" = ax ] && [ ! -f "$glue/AX/diagnostic.tsv" ]; then
        for place in diagnostic/diagnostic.tsv AX/diagnostic-full.tsv diagnostic/diagnostic-full.tsv; do
            [ -f "$glue/$place" ] || continue
            folder=${place%/*} dev=${place#*/} test=$dev
            break
        done
    fi
}

# has_table NAME ORIGINAL: whether a table of the described task exists, under its own name or that of the original file.
has_table() {
    [ -n "$1" ] || return 1
    for at in "$glue/$folder" "$glue/$table_folder"; do
        for end in csv tsv jsonl json; do
            for table_name in "$1" "${2%.*}"; do
                if [ -f "$at/$table_name.$end" ] || [ -f "$at/$table_name.$end.gz" ]; then return 0; fi
            done
        done
    done
    return 1
}

# path_of TASK: print the task file of an own task; nothing for a task of GLUE.
path_of() {
    printf '%s\n' "$own" | sed -n "s/^$1=//p"
}

# has TASK train|dev|test: whether the file exists; ax has a dev split if its file has labels.
has() {
    if [ -n "$(path_of "$1")" ]; then
        [ "$2" != test ]
        return
    fi
    describe "$1"
    case $2 in
    train) { [ -n "$train" ] && [ -f "$glue/$folder/$train" ]; } || has_table "$table_train" "$train" ;;
    dev)
        if [ -f "$glue/$folder/$dev" ]; then [ "$1" != ax ] || has_labels "$glue/$folder/$dev"
        else has_table "$table_dev" "$dev"; fi
        ;;
    test) [ -f "$glue/$folder/$test" ] || has_table "$table_test" "$test" ;;
    esac
}

has_labels() {
    awk -F '\t' 'NR == 1 { sub(/\r$/, ""); for (i = 1; i <= NF; i++) if (tolower($i) == "label") found = 1; exit }
                 END { exit !found }' "$1"
}

# Print the tasks on which a run of TASK is evaluated and predicted.
served() {
    if [ "$1" = mnli ]; then echo mnli mnli-mm ax; else echo "$1"; fi
}

own='' names=''
for task in $tasks; do
    case $task in
    *.json)
        [ -f "$task" ] || usage "$task: no such task file"
        name=${task##*/}
        name=${name%.json}
        [ -z "$(path_of "$name")" ] || usage "two task files are called $name"
        case " $all_tasks mnli-mm ax " in *" $name "*) usage "$task: $name is a task of GLUE" ;; esac
        own="$own$name=$task
"
        names="$names $name"
        ;;
    *) names="$names $task" ;;
    esac
done
tasks=$names
if [ -n "$tasks" ]; then
    for task in $tasks; do
        case " $all_tasks $(printf '%s' "$own" | sed 's/=.*//' | tr '\n' ' ')" in
        *" $task "*) ;;
        *) usage "unknown task '$task': choose from $all_tasks (mnli-mm and ax come with mnli)" ;;
        esac
        has "$task" train && has "$task" dev || {
            describe "$task"
            usage "$glue/$folder: $task needs $train and $dev"
        }
    done
else
    for task in $all_tasks; do
        if has "$task" train && has "$task" dev; then tasks="$tasks $task"; fi
    done
    [ -n "$tasks" ] || usage "$glue: holds no task's train and dev files"
fi

# ---- Stages ------------------------------------------------------------------------------------

# first_of TASK: print the task whose run TASK starts from; nothing if it starts from MODEL.
first_of() {
    for stage in $stages; do
        case ",${stage#*:}," in
        *",$1,"*) echo "${stage%%:*}" ;;
        esac
    done
}

# in_stages TASK [SEEN]: print the tasks that TASK starts from, in order, then TASK.
in_stages() {
    case " ${2-} " in
    *" $1 "*) usage "--stages: $1 starts from itself" ;;
    esac
    is_first=$(first_of "$1")
    case $is_first in
    *[[:space:]]*) usage "--stages: $1 starts from more than one task: $(echo $is_first)" ;;
    ?*) in_stages "$is_first" "${2-} $1" || exit ;;
    esac
    echo "$1"
}

for stage in $stages; do
    case $stage in
    *:*:* | :* | *: | *,,* | *:,* | *,) usage "--stages: '$stage' is not TASK:TASK,..." ;;
    *:*) ;;
    *) usage "--stages: '$stage' is not TASK:TASK,..." ;;
    esac
    for name in $(printf '%s\n' "$stage" | tr ':,' '  '); do
        case " $(echo $tasks) " in
        *" $name "*) ;;
        *) usage "--stages: $name is not one of the tasks to run: $(echo $tasks)" ;;
        esac
    done
done
ordered=''
for task in $tasks; do
    part=$(in_stages "$task") || exit 2
    ordered="$ordered $part"
done
tasks=$(once "$ordered")

# ---- Settings ----------------------------------------------------------------------------------

# Runs with different settings must not share a table.
settings="model $model
data $glue
epochs ${epochs:-default}
batch-size ${batch_size:-default}
max-length ${max_length:-default}${stages:+
stages $stages}
options $*"
mkdir -p "$out/scores" "$out/submission" || exit 4
if [ -f "$out/settings.txt" ]; then
    if [ "$settings" != "$(cat "$out/settings.txt")" ]; then
        say "glue.sh: $out holds runs with other settings ($out/settings.txt):"
        printf '%s\n' "$settings" | diff "$out/settings.txt" - >&2
        exit 2
    fi
else
    printf '%s\n' "$settings" >"$out/settings.txt.tmp" &&
        mv "$out/settings.txt.tmp" "$out/settings.txt" || exit 4
fi

# ---- Running -----------------------------------------------------------------------------------

failed=0 # exit code of the first run that failed
stopped=0
child=''  # process id of the running bertc

# pass_on SIGNAL CODE: pass a signal on to bertc, since a scheduler may send it to this script alone.
pass_on() {
    stopped=$2
    [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null
}
trap 'pass_on HUP 129' HUP
trap 'pass_on INT 130' INT
trap 'pass_on USR1 138' USR1
trap 'pass_on TERM 143' TERM

# Run a command in the background, so that signals are passed on while it runs, and return its exit code. The loop is
# needed because a signal ends `wait` early.
launch() {
    [ "$stopped" -eq 0 ] || return "$stopped"
    "$@" &
    child=$!
    while :; do
        wait "$child"
        launched=$?
        kill -0 "$child" 2>/dev/null || break
    done
    child=''
    return "$launched"
}

# Run a command, and remember the first failure. Exit if the command or this script was interrupted.
attempt() {
    "$@"
    code=$?
    case $code in 129 | 130 | 138 | 143) stopped=$code ;; esac
    if [ "$stopped" -ne 0 ]; then
        say "interrupted; run the same command to continue"
        exit "$stopped"
    fi
    if [ "$code" -eq 2 ]; then exit 2; fi
    if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=$code; fi
    return "$code"
}

# into FILE COMMAND...: write the command's output to a file, completely or not at all.
into() {
    target=$1
    shift
    launch "$@" >"$target.tmp"
    into_code=$?
    if [ "$into_code" -ne 0 ]; then
        rm -f "$target.tmp"
        return "$into_code"
    fi
    mv "$target.tmp" "$target"
}

# begins_with TASK RATE SEED: print the model that the run starts from.
begins_with() {
    bw_first=$(first_of "$1")
    if [ -n "$bw_first" ]; then echo "$out/$bw_first/lr-$2/seed-$3"; else echo "$model"; fi
}

# fine_tune TASK RATE SEED RUN [option...]
fine_tune() {
    ft_task=$1 ft_lr=$2 ft_seed=$3 ft_run=$4 ft_from=$(begins_with "$1" "$2" "$3")
    if [ "$ft_from" != "$model" ] && [ ! -f "$ft_from/run.json" ]; then
        say "$ft_run: skipped, because $ft_from is not finished"
        return 3
    fi
    shift 4
    # run.json is the last file that a run writes. With it, --resume only checks the run's files.
    if [ ! -f "$ft_run/run.json" ]; then
        say "$ft_run"
        mkdir -p "${ft_run%/*}" || return 4
        rm -f "$out/scores/$ft_task.lr-$ft_lr.seed-$ft_seed."*
    fi
    if [ -n "$epochs" ]; then set -- --epochs "$epochs" "$@"; fi
    if [ -n "$batch_size" ]; then set -- --batch-size "$batch_size" "$@"; fi
    if [ -n "$max_length" ]; then set -- --max-length "$max_length" "$@"; fi
    set -- --out "$ft_run" --lr "$ft_lr" --seed "$ft_seed" --resume "$@"
    ft_file=$(path_of "$ft_task")
    if [ -z "$ft_file" ]; then set -- --data "$glue" "$@"; fi
    attempt launch "$bertc" finetune --task "${ft_file:-$ft_task}" --model "$ft_from" "$@" >/dev/null
}

# evaluate NAME RUN SCORES
evaluate() {
    [ ! -f "$3" ] || return 0
    ev_task=$1 ev_run=$2 ev_scores=$3
    set --
    if [ -n "$max_length" ]; then set -- --max-length "$max_length"; fi
    set -- --split dev --json "$@"
    if [ -n "$(path_of "$ev_task")" ]; then ev_task=$ev_run/task.json
    else set -- --data "$glue" "$@"; fi
    attempt into "$ev_scores" "$bertc" eval --task "$ev_task" --model "$ev_run" "$@"
}

# predict NAME RUN: write the predictions into OUT/submission, unless those of the same run are there.
predict() {
    describe "$1"
    pr_task=$1 pr_run=$2 pr_file=$out/submission/$submission
    pr_from=$out/submission/.$submission.from
    if [ -f "$pr_file" ] && [ "$(cat "$pr_from" 2>/dev/null)" = "$pr_run" ]; then return 0; fi
    rm -f "$pr_from"
    set --
    if [ -n "$max_length" ]; then set -- --max-length "$max_length"; fi
    attempt launch "$bertc" predict --task "$pr_task" --model "$pr_run" --data "$glue" --split test \
        --out "$pr_file" "$@" || return
    printf '%s\n' "$pr_run" >"$pr_from"
}

for task in $tasks; do
    for lr in $lrs; do
        for seed in $seeds; do
            run=$out/$task/lr-$lr/seed-$seed
            fine_tune "$task" "$lr" "$seed" "$run" "$@" || continue
            for name in $(served "$task"); do
                if has "$name" dev; then
                    evaluate "$name" "$run" "$out/scores/$task.lr-$lr.seed-$seed.$name.json"
                fi
            done
        done
    done
done

# ---- Scores ------------------------------------------------------------------------------------

# Print one line for each metric: task rate seed name metric value.
collect() {
    for task in $tasks; do
        for lr in $lrs; do
            for seed in $seeds; do
                for name in $(served "$task"); do
                    file=$out/scores/$task.lr-$lr.seed-$seed.$name.json
                    [ -f "$file" ] || continue
                    awk -v key="$task $lr $seed $name" '
                        { gsub(/[ \t\r]/, ""); text = text $0 }
                        END {
                            if (!match(text, /"metrics":\{[^}]*\}/)) exit 1
                            n = split(substr(text, RSTART + 11, RLENGTH - 12), part, ",")
                            for (i = 1; i <= n; i++) {
                                split(part[i], pair, ":")
                                gsub(/"/, "", pair[1])
                                print key, pair[1], pair[2]
                            }
                        }' "$file" || say "$file: has no metrics"
                done
            done
        done
    done
}

# Shared by the table and the choice of the best runs. A task's score is the mean of its metrics; that of mnli is the mean
# of matched and mismatched. A null correlation (constant predictions) counts as 0. ax does not count.
scores_awk='
    function better(a, b) { return b == "" || a > b }
    $4 != "ax" {
        run = $1 SUBSEP $2 SUBSEP $3
        sum[run, $4] += ($6 == "null" ? 0 : $6)
        num[run, $4]++
        if (!((run, $4) in known)) { known[run, $4] = 1; names[run] = names[run] " " $4 }
        if (!(run in seen)) { seen[run] = 1; runs[++count] = run }
    }
    function score(run,   list, n, i, total) {
        n = split(names[run], list, " ")
        for (i = 1; i <= n; i++) total += sum[run, list[i]] / num[run, list[i]]
        return total / n
    }'

# Print the best run of each task: task rate seed.
best_runs() {
    awk "$scores_awk"'
        END {
            for (i = 1; i <= count; i++) {
                split(runs[i], id, SUBSEP)
                s = score(runs[i])
                if (better(s, top[id[1]])) { top[id[1]] = s; line[id[1]] = id[1] " " id[2] " " id[3] }
            }
            for (task in line) print line[task]
        }' "$out/values.txt"
}

table() {
    awk -v all="$all_tasks" "$scores_awk"'
        function mean(key) { return total[key] / times[key] }
        function deviation(key,   spread) {
            if (times[key] < 2) return "-"
            spread = (squares[key] - total[key] * total[key] / times[key]) / (times[key] - 1)
            return sprintf("%.2f", spread > 0 ? sqrt(spread) : 0)
        }
        function average(title, sum, n, of, missing) {
            if (n == 0) return
            printf "%s %.1f", title, sum / n
            if (n == of) print ""
            else printf ", of %d only (of %d; missing:%s)\n", n, of, missing
        }
        {
            rate = $1 SUBSEP $2
            key = rate SUBSEP $4 SUBSEP $5
            if (!(key in times)) order[++keys] = key
            value = 100 * ($6 == "null" ? 0 : $6)
            if ($6 == "null") nulls++
            total[key] += value
            squares[key] += value * value
            times[key]++
        }
        END {
            for (i = 1; i <= count; i++) {
                split(runs[i], id, SUBSEP)
                rate_sum[id[1], id[2]] += score(runs[i])
                rate_num[id[1], id[2]]++
            }
            for (rate in rate_sum) {
                split(rate, id, SUBSEP)
                s = rate_sum[rate] / rate_num[rate]
                if (better(s, top[id[1]])) { top[id[1]] = s; chosen[id[1]] = id[2] }
            }
            print "scores on dev x 100; * marks the learning rate used in the averages"
            printf "%-8s %-8s %5s  %-9s %7s %9s\n", "task", "lr", "seeds", "metric", "mean", "deviation"
            for (i = 1; i <= keys; i++) {
                split(order[i], id, SUBSEP)
                is_chosen = chosen[id[1]] == id[2]
                printf "%-8s %-8s %5d  %-9s %7.2f %9s\n", id[3], id[2] (is_chosen ? "*" : ""), \
                    times[order[i]], id[4], mean(order[i]), deviation(order[i])
                if (is_chosen) at[id[3], id[4]] = mean(order[i])
            }
            if (nulls) printf("%d undefined correlation%s (constant predictions) counted as 0\n", nulls, nulls == 1 ? "" : "s")
            n = split(all, task, " ")
            for (i = 1; i <= n; i++) {
                if (task[i] in top) { glue += 100 * top[task[i]]; have++ }
                else missing = missing " " task[i]
            }
            average("GLUE average (each task the mean of its metrics):", glue, have, n, missing)
            missing = ""
            m = split("mnli:accuracy mnli-mm:accuracy qqp:f1 qnli:accuracy sst2:accuracy " \
                      "cola:matthews stsb:spearman mrpc:f1 rte:accuracy", paper, " ")
            for (i = 1; i <= m; i++) {
                split(paper[i], id, ":")
                if ((id[1], id[2]) in at) { sum_paper += at[id[1], id[2]]; have_paper++ }
                else missing = missing " " id[1]
            }
            average("BERT paper average (one metric each, no wnli):", sum_paper, have_paper, m, missing)
        }' "$out/values.txt"
}

collect >"$out/values.txt.tmp" && mv "$out/values.txt.tmp" "$out/values.txt" || exit 4
if [ ! -s "$out/values.txt" ]; then
    say "glue.sh: no run was evaluated"
    if [ "$failed" -eq 0 ]; then failed=3; fi
    exit "$failed"
fi

# ---- Submission --------------------------------------------------------------------------------

best_runs >"$out/best.txt.tmp" && mv "$out/best.txt.tmp" "$out/best.txt" || exit 4
while read -r task lr seed <&3; do
    for name in $(served "$task"); do
        if has "$name" test; then predict "$name" "$out/$task/lr-$lr/seed-$seed"; fi
    done
done 3<"$out/best.txt"

# is_in_order FILE: whether its index counts from 0, as the server requires.
is_in_order() {
    awk -F '\t' -v file="$1" '
        NR == 1 { if ($0 != "index\tprediction") { print file ":1: no header \"index<TAB>prediction\""; exit bad = 1 } }
        NR > 1 && $1 "" != NR - 2 "" {
            print file ":" NR ": index \"" $1 "\", the GLUE server requires " NR - 2 " here"; exit bad = 1
        }
        END { if (!bad && NR < 2) { print file ": no predictions"; bad = 1 } exit bad }' "$1" >&2
}

absent='' in_order=1
for name in $all_tasks mnli-mm ax; do
    describe "$name"
    if [ ! -f "$out/submission/$submission" ]; then
        absent="$absent $submission"
    elif ! is_in_order "$out/submission/$submission"; then
        say "no $out/submission.zip: $glue/$folder/$test does not have all rows of the official file in their order"
        rm -f "$out/submission/.$submission.from" # predict it again next time
        in_order=0
        if [ "$failed" -eq 0 ]; then failed=3; fi
    fi
done
rm -f "$out/submission.zip"
if [ "$in_order" = 1 ] && ls "$out/submission/"*.tsv >/dev/null 2>&1; then
    if command -v zip >/dev/null; then
        (cd "$out/submission" && zip -q -X ../submission.zip ./*.tsv) || exit 4
    else
        say "zip is not installed: pack $out/submission/*.tsv for the GLUE server yourself"
    fi
    [ -z "$absent" ] || say "missing in the submission:$absent"
fi

table >"$out/table.txt.tmp" && mv "$out/table.txt.tmp" "$out/table.txt" || exit 4
cat "$out/table.txt"
if [ "$failed" -ne 0 ]; then say "some runs failed (exit code $failed)"; fi
exit "$failed"
