# Limits on threads, stacks and the address space give exit code 5 with one line, or a result; the program never hangs
# or crashes. Also OMP_NUM_THREADS and --threads.
. "$(dirname "$0")/lib.sh"

tune="finetune --task sst2 --model $SAMPLE/model --data $SAMPLE --max-steps 1 --limit-train 16 --limit-eval 8 --out out"
commands="$tune
plan --task sst2 --model $SAMPLE/model
eval --task sst2 --model $RUN --data $SAMPLE --limit 8
predict --task sst2 --model $RUN
embed --model $SAMPLE/model
tokenize --model $SAMPLE/model"
echo 'a fine film' >"$scratch/line"
input=$scratch/line

# each CODE MESSAGE [OPTION]...: expect every command to be refused with the message.
each() {
    code=$1 message=$2
    shift 2
    echo "$commands" >"$scratch/commands"
    while read -r command; do refuse "$code" "$message" $command "$@"; done <"$scratch/commands"
}

# ---- Threads that cannot be started: OpenMP would end the program with exit code 1

OMP_STACKSIZE=100000G
export OMP_STACKSIZE
each 5 "out of memory: 2 threads are needed, the system allows only 1 (ulimit -u, ulimit -v, pids.max)" --threads 2
for command in version tasks "inspect $SAMPLE/model"; do run 0 $command; done
OMP_STACKSIZE=100k
each 5 "out of memory: threads have a stack of 100 KB, 512 KB are needed (OMP_STACKSIZE)" --threads 2
unset OMP_STACKSIZE

# As a user who may have one process: neither the signal thread nor worker threads can be started.
other="prlimit --nproc=1 setpriv --reuid 65534 --clear-groups $BERTC"
if $other inspect "$SAMPLE/model" >/dev/null 2>&1; then
    for command in "tokenize --vocab $SAMPLE/vocab.txt --threads 2" "embed --model $SAMPLE/model"; do
        checks=$((checks + 1))
        $other $command <"$input" >"$scratch/out" 2>"$scratch/err"
        got=$?
        [ "$got $(grep -c '^bertc: out of memory: ' "$scratch/err")" = "5 1" ] ||
            fail "exit code $got although no thread can be started: $command: $(cat "$scratch/err")"
    done
fi

# ---- Small stacks

(
    ulimit -s 300
    refuse 5 "out of memory: the stack has 300 KB, 512 KB are needed (ulimit -s)" version
    refuse 5 "out of memory: the stack has 300 KB, 512 KB are needed (ulimit -s)" $tune
    [ "$failures" = 0 ]
) || failures=$((failures + 1))

# ---- The number of threads

# threads WHAT: expect this number in run.json
threads() {
    sed -n 's/.*"threads":\([0-9]*\).*/\1/p' out/run.json
}
for row in "1 0 1" "2 1 1" "1 2 2"; do
    set -- $row
    checks=$((checks + 1))
    OMP_NUM_THREADS=$1 "$BERTC" $tune --threads "$2" >"$scratch/out" 2>"$scratch/err" || fail "$(cat "$scratch/err")"
    [ "$(threads)" = "$3" ] || fail "$(threads) threads with OMP_NUM_THREADS=$1 --threads $2"
    rm -r out
done
checks=$((checks + 1))
taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" "$BERTC" $tune >"$scratch/out" 2>"$scratch/err" ||
    fail "$(cat "$scratch/err")"
[ "$(threads)" = 1 ] || fail "$(threads) threads on one processor"
rm -r out

# ---- OpenBLAS is loaded only if it is requested

for backend in onednn reference openblas; do
    checks=$((checks + 1))
    LD_DEBUG=files "$BERTC" $tune --threads 1 --backend $backend >"$scratch/out" 2>"$scratch/err"
    loads=$(grep -c 'calling init:.*libopenblas' "$scratch/err")
    [ "$loads" = "$([ $backend = openblas ] && echo 1 || echo 0)" ] ||
        fail "OpenBLAS was loaded $loads times with --backend $backend"
    grep -q '"libraries":"'$backend: out/run.json || fail "run.json does not name $backend"
    rm -r out
done

# ---- A limit on the address space. Programs with sanitizers cannot run under it.

if (ulimit -v 1100000 && "$BERTC" version) >/dev/null 2>&1; then
    { echo version; echo help; echo "inspect $SAMPLE/model"; echo "$commands"; echo "$tune --backend openblas"
      echo "init --vocab $SAMPLE/vocab.txt --out out"; echo "sample --out out"; } >"$scratch/commands"
    for megabytes in 30 48 50 52 54 60 75 100 150 250 344 350 400 600; do
        while read -r command; do
            checks=$((checks + 1))
            (
                ulimit -v $((megabytes * 1024))
                exec timeout 60 "$BERTC" $command <"$scratch/line" >"$scratch/out" 2>"$scratch/err"
            )
            got=$?
            case $got in
            0) ;;
            5) [ "$(grep -c '^bertc: ' "$scratch/err")" = 1 ] || fail "ulimit -v $megabytes MB: $command: $(cat "$scratch/err")" ;;
            127) grep -q 'error while loading shared libraries' "$scratch/err" || fail "$(cat "$scratch/err")" ;;
            *) fail "exit code $got under ulimit -v $megabytes MB: $command: $(cat "$scratch/err")" ;;
            esac
            [ "$got" = 0 ] || [ ! -e out ] || fail "a folder is left under ulimit -v $megabytes MB: $command"
            [ ! -e out ] || rm -r out
        done <"$scratch/commands"
    done
    for command in version "tokenize --model $SAMPLE/model" "init --vocab $SAMPLE/vocab.txt --out out"; do
        (ulimit -v 340000 && "$BERTC" $command <"$scratch/line") >"$scratch/out" 2>"$scratch/err" ||
            fail "under ulimit -v 340000: $command: $(cat "$scratch/err")"
        checks=$((checks + 1))
    done
    rm -r out
else
    echo "the limits on the address space were not tried: this program needs more of it"
fi
finish
