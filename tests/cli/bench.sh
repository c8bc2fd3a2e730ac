# bertc-bench: every result has its numbers and states its work; a wrong command line is refused with one line.
. "$(dirname "$0")/lib.sh"

small="--layers 2 --hidden 64 --batch-size 4 --rounds 2 --threads 1"

# measure ARG...: expect exit code 0 and nothing on standard error; the results are in $scratch/out.
measure() {
    checks=$((checks + 1))
    "$BENCH" "$@" >"$scratch/out" 2>"$scratch/err" || fail "exit code $? of: bertc-bench $*"
    [ ! -s "$scratch/err" ] || fail "bertc-bench $*: $(cat "$scratch/err")"
}

# results NAME...: the output contains exactly these results, each with the members in $members.
results() {
    printf '%s\n' "$@" >"$scratch/names"
    sed 's/^{"what":"\([^"]*\)".*/\1/' "$scratch/out" | cmp -s - "$scratch/names" || fail "results: $(cat "$scratch/out")"
    number='-\{0,1\}[0-9.]*\(e[-+][0-9]*\)\{0,1\}'
    grep -vq "^{\"what\":\"[^\"]*\",\"unit\":\"[^\"]*\",\"median\":$number,\"least\":$number,\"most\":$number,\"rounds\":2,$members}\$" \
        "$scratch/out" && fail "not results: $(cat "$scratch/out")"
}

# refuse CODE LINE ARG...: the program ends with this exit code and prints this one line on standard error.
refuse() {
    checks=$((checks + 1))
    code=$1 line=$2
    shift 2
    "$BENCH" "$@" >"$scratch/out" 2>"$scratch/err"
    [ $? = "$code" ] || fail "exit code of: bertc-bench $*"
    same "message" "bertc-bench: $line" "$scratch/err" "$@"
}

of_batch() {
    members="\"layers\":2,\"hidden\":64,\"frozen\":$1,\"batch_size\":4,\"lengths\":\"$2\",\"tokens\":$3,\"threads\":1,\"precision\":\"f32\",\"backend\":\"[a-z ]*\",\"isa\":\"[^\"]*\""
}

# ---- Results
for backend in onednn openblas reference; do
    of_batch 0 9 36
    measure step $small --json --lengths 9 --backend $backend
    results step "gemm floor of a step" "step ratio_to_floor" "step speed"
    measure infer $small --json --lengths 9 --backend $backend
    results infer "infer speed" "gemm floor of forward" "infer ratio_to_floor"
done
for frozen in 0 1 2 4; do
    of_batch $frozen sst2 '[0-9]*'
    measure step $small --json --frozen $frozen
    results step "gemm floor of a step" "step ratio_to_floor" "step speed"
done
for lengths in cola mnli stsb pad128 len512; do
    of_batch 0 $lengths '[0-9]*'
    measure step $small --json --lengths $lengths
    results step "gemm floor of a step" "step ratio_to_floor" "step speed"
done
measure gemm $small
[ "$(grep -c 'GFLOP/s' "$scratch/out")" = 16 ] || fail "12 products of a step and 4 of a pass: $(cat "$scratch/out")"
measure breakdown $small --lengths pad128
grep -q '^step: parts of the whole ' "$scratch/out" || fail "no sum of the parts"
measure load --bertc "$BERTC" --layers 2 --hidden 64 --rounds 2 --threads 1
[ "$(grep -c '^load: ' "$scratch/out")" = 2 ] || fail "two results of a start: $(cat "$scratch/out")"
members='"bytes":[0-9]*,"threads":1'
"$BENCH" tokenize --json --rounds 2 --vocab "$SAMPLE/vocab.txt" --text "$SAMPLE/SST-2/train.tsv" >"$scratch/out" 2>"$scratch/err" ||
    fail "tokenize: $(cat "$scratch/err")"
sed -i 's/tokenize [0-9]* tokens/tokenize tokens/' "$scratch/out"
results "tokenize tokens" "tokenize speed"

# ---- Refusals
help=", see 'bertc-bench --help'"
refuse 2 "--layers: '2x' is not a whole number" step --layers 2x
refuse 2 "--layers: 99999999999 is out of range, 1 to 1000" step --layers 99999999999
refuse 2 "--rounds: 0 is out of range, 1 to 64" step --rounds 0
refuse 2 "--rounds needs a value (N)" step --rounds
refuse 2 "--frozen: the model has fewer stages" step --layers 2 --frozen 5
refuse 2 "--lengths: has no effect on what is measured" sweep --lengths mnli
refuse 2 "--threads: has no effect on what is measured" tokenize --threads 2
refuse 2 "auto: --precision must be f32, bf16 or both" step --precision auto
refuse 2 "64x: --lengths must be sst2, cola, mrpc, stsb, mnli, pad128, len512 or 1 to 512" step --lengths 64x
refuse 2 "all: unknown benchmark$help" all
refuse 2 "unknown option '--fast'$help" step --fast
refuse 2 "infer: needs both --model and --text, or neither of them" infer --text lines.txt
refuse 3 "none.txt: cannot open: No such file or directory" tokenize --vocab none.txt --text lines.txt
refuse 4 "none/sweep.svg: cannot be written" sweep --svg none/sweep.svg
: >empty.txt
refuse 3 "empty.txt: is empty" tokenize --vocab "$SAMPLE/vocab.txt" --text empty.txt

finish
