# SIGHUP, SIGINT, SIGUSR1 and SIGTERM end a run with exit code 129, 130, 138 and 143, and --resume finishes it with the
# same bits. A later second signal ends it at once. Two runs never share a folder.
. "$(dirname "$0")/lib.sh"

options="--task sst2 --model $SAMPLE/model --data $SAMPLE --batch-size 8 --max-steps 40 --limit-eval 40
    --threads 1"

# start OUT [OPTION]...: start a run in the background and wait until the first steps are in the log. (A shell starts
# background jobs with SIGINT ignored; bertc handles SIGINT nevertheless.)
start() {
    out=$1
    shift
    "$BERTC" finetune $options --out "$out" "$@" >"$scratch/out" 2>"$scratch/err" &
    pid=$!
    while [ ! -s "$out/log.jsonl" ] && kill -0 $pid 2>/dev/null; do :; done
}

"$BERTC" finetune $options --out whole >whole.json 2>"$scratch/err" || fail "the uninterrupted run"
for row in "HUP 129" "INT 130" "USR1 138" "TERM 143"; do
    set -- $row
    checks=$((checks + 1))
    start "run$1"
    kill -"$1" $pid
    wait $pid
    got=$?
    [ "$got" = "$2" ] || fail "exit code $got after SIG$1"
    [ "$(tail -n 1 "$scratch/err" | cut -c 1-7)" = "bertc: " ] || fail "no message after SIG$1"
    [ ! -s "$scratch/out" ] || fail "a result after SIG$1"
    "$BERTC" finetune $options --out "run$1" --resume >resumed.json 2>"$scratch/err" ||
        fail "--resume after SIG$1: $(cat "$scratch/err")"
    cmp whole/model.safetensors "run$1/model.safetensors" || fail "other weights after SIG$1"
    cmp whole.json resumed.json || fail "other scores after SIG$1"
done

# Several signals at once count as one: the run is saved.
for several in "USR1 TERM" "HUP INT USR1 TERM"; do
    start both
    kill -STOP $pid # all signals arrive while it is stopped
    for name in $several; do kill -"$name" $pid; done
    kill -CONT $pid
    wait $pid
    got=$?
    case $got in
    129 | 130 | 138 | 143) ;;
    *) fail "exit code $got after $several at once" ;;
    esac
    grep -q '^bertc: stopped at step [0-9]* of 40; continue with --resume$' "$scratch/err" ||
        fail "message after $several at once: $(tail -n 1 "$scratch/err")"
    "$BERTC" finetune $options --out both --resume >resumed.json 2>"$scratch/err" ||
        fail "--resume after $several at once: $(cat "$scratch/err")"
    cmp whole/model.safetensors both/model.safetensors || fail "other weights after $several at once"
    rm -r both
    checks=$((checks + 1))
done

# SIGHUP stays ignored if it was ignored at the start, as under nohup.
trap '' HUP
start nohup
kill -HUP $pid
wait $pid
got=$?
trap - HUP
[ "$got" = 0 ] || fail "exit code $got after an ignored SIGHUP"
cmp whole/model.safetensors nohup/model.safetensors || fail "other weights after an ignored SIGHUP"
checks=$((checks + 1))

# watches PID: wait some seconds until the process blocks SIGTERM, for which its signal thread then waits
watches() {
    for i in $(seq 100); do
        blocked=$(sed -n 's/^SigBlk:.*\(....\)$/\1/p' "/proc/$1/status" 2>/dev/null)
        [ $((0x${blocked:-0} & 0x4000)) = 0 ] || return 0
        sleep 0.1
    done
    return 1
}

# Signals are caught before an output is opened: here the output is a pipe, and opening it waits for a reader.
mkfifo pipe
echo 'a film' >line
for row in "HUP 129 predict --task sst2 --model $RUN" "USR1 138 embed --model $SAMPLE/model"; do
    set -- $row
    name=$1 code=$2
    shift 2
    "$BERTC" "$@" --out pipe <line 2>"$scratch/err" &
    pid=$!
    watches $pid || fail "no signal is caught before a file is made: $*"
    kill -"$name" $pid
    timeout 10 cat pipe >/dev/null
    wait $pid
    got=$?
    [ "$got" = "$code" ] || fail "exit code $got after SIG$name: $*"
    [ "$(tail -n 1 "$scratch/err")" = "bertc: stopped" ] || fail "message after SIG$name: $*: $(cat "$scratch/err")"
    checks=$((checks + 1))
done
rm pipe line

# A second signal more than a second later ends the program at once, in the middle of a step that takes some seconds:
# the second step, which begins when the first is in the log.
yes 'a text that is long enough for a pass over all of them to take more than two seconds' | head -n 25 |
    awk 'BEGIN { print "sentence\tlabel" } { for (i = 0; i < 7; i++) printf "%s ", $0; print "\t" NR % 2 }' >long.tsv
mkdir -p long/SST-2
cp long.tsv long/SST-2/train.tsv
cp "$SAMPLE/SST-2/dev.tsv" long/SST-2/dev.tsv
"$BERTC" finetune --task sst2 --model "$SAMPLE/model" --data long --batch-size 25 --backend reference \
    --limit-eval 1 --threads 1 --out twice >"$scratch/out" 2>"$scratch/err" &
pid=$!
while [ ! -s twice/log.jsonl ] && kill -0 $pid 2>/dev/null; do :; done
sleep 0.2
kill -INT $pid
sleep 1.3
kill -TERM $pid
wait $pid
got=$?
[ "$got" = 143 ] || fail "exit code $got after SIGINT and, later, SIGTERM"
grep -qx 'stopping; another signal ends at once, without saving' "$scratch/err" || fail "the first signal is not answered"
[ "$(tail -n 1 "$scratch/err")" = 'ended by another signal, without saving' ] || fail "the second signal is not answered"
checks=$((checks + 1))

# A folder in use by another run.
start locked
kill -STOP $pid
refuse_locked=$("$BERTC" finetune $options --out locked --resume 2>&1 >/dev/null)
got=$?
[ "$got" = 8 ] || fail "exit code $got although another run has locked the folder"
case $refuse_locked in
"bertc: locked: "*"$pid"*) ;;
*) fail "message although another run has locked the folder: $refuse_locked" ;;
esac
kill -CONT $pid
kill -TERM $pid
wait $pid
checks=$((checks + 1))

# A run continues if nobody reads its progress lines.
("$BERTC" finetune $options --out quiet --max-steps 3 2>&1 >quiet.json; echo $? >code) | true
[ "$(cat code)" = 0 ] || fail "exit code $(cat code) with standard error closed"
[ -s quiet.json ] || fail "no result with standard error closed"

# A file size limit is an ordinary error: the weights do not fit.
(
    ulimit -f 8
    "$BERTC" finetune $options --out limited --max-steps 3 >"$scratch/out" 2>"$scratch/err"
)
got=$?
[ "$got" = 4 ] || fail "exit code $got under a file size limit: $(cat "$scratch/err")"
grep -q '^bertc: limited: the run needs files of .* (ulimit -f)$' "$scratch/err" ||
    fail "message under a file size limit: $(cat "$scratch/err")"
[ ! -e limited ] || fail "a run under a file size limit left a folder"
finish
