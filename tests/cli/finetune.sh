# bertc finetune, eval and predict, end to end on the sample. Leaves a run in $RUN for other tests.
. "$(dirname "$0")/lib.sh"

rm -rf "$RUN"
options="--task sst2 --model $SAMPLE/model --data $SAMPLE --batch-size 8 --max-steps 6 --lr 5e-4 --limit-eval 40"
run 0 finetune $options --out "$RUN"
cp "$scratch/out" result.json
for file in config.json model.safetensors vocab.txt tokenizer_config.json run.json log.jsonl eval.json; do
    checks=$((checks + 1))
    [ -s "$RUN/$file" ] || fail "no $file in the run"
done

# One JSON object, the same as that of eval --json.
run 0 eval --task sst2 --model "$RUN" --data "$SAMPLE" --json --limit 40
sed 's/"loss":[^,]*,//' "$scratch/out" >scores.json
same "scores" "$(sed 's/"loss":[^,]*,//' result.json)" scores.json "eval --json"
# Without gradients, weights have another memory layout, so the loss sums in another order.
loss_of() { sed 's/.*"loss":\([^,]*\),.*/\1/' "$1"; }
awk "BEGIN { a = $(loss_of result.json); b = $(loss_of "$scratch/out"); exit !((a - b) ^ 2 < (1e-6 * a) ^ 2) }" ||
    fail "the losses of finetune and eval differ: $(loss_of result.json) $(loss_of "$scratch/out")"
case $(cat result.json) in
'{"task":"sst2","split":"dev","examples":40,"loss":'[0-9]*',"metrics":{"accuracy":'[0-9]*'}}') ;;
*) fail "not the object that was agreed on: $(cat result.json)" ;;
esac
[ "$(wc -l <result.json)" = 1 ] || fail "not one line"

# The table has the same numbers, and options may be written with a space or with =.
run 0 eval --task=sst2 --model="$RUN" --data="$SAMPLE/SST-2" --limit=40
[ "$(awk '{ print $1 }' "$scratch/out" | tr '\n' ' ')" = "task split examples loss accuracy " ] ||
    fail "table of eval: $(cat "$scratch/out")"
run 0 eval --task sst2 --model "$RUN" --data "$SAMPLE" --split train --limit 10 --json
grep -q '"split":"train","examples":10,' "$scratch/out" || fail "eval --split train"

# A second run with the same options gives the same files.
run 0 finetune $options --out again
cmp "$RUN/model.safetensors" again/model.safetensors || fail "two runs of one seed differ"
same "result" "$(cat result.json)" "$scratch/out" "finetune"

# ---- predict
rows=$(($(wc -l <"$SAMPLE/SST-2/test.tsv") - 1))
run 0 predict --task sst2 --model "$RUN" --data "$SAMPLE" --split test --out SST-2.tsv --logits logits.tsv
same "standard output" "" "$scratch/out" "predict --out"
[ "$(head -n 1 SST-2.tsv)" = "index	prediction" ] || fail "header of predictions"
[ "$(wc -l <SST-2.tsv)" = $((rows + 1)) ] || fail "$(wc -l <SST-2.tsv) lines of predictions"
[ "$(awk -F '\t' 'NR > 1 && ($1 != NR - 2 || ($2 != "0" && $2 != "1"))' SST-2.tsv)" = "" ] ||
    fail "rows of predictions"
[ "$(head -n 1 logits.tsv)" = "index	negative	positive" ] || fail "header of logits"
awk -F '\t' 'NR > 1 { print $1 "\t" ($3 > $2) }' logits.tsv >from_logits
tail -n +2 SST-2.tsv | cmp - from_logits || fail "predictions are not those of the logits"

# Without --out, and to a device, the output is the same.
run 0 predict --task sst2 --model "$RUN" --data "$SAMPLE" --split test
cmp "$scratch/out" SST-2.tsv || fail "predict to standard output"
run 0 predict --task sst2 --model "$RUN" --data "$SAMPLE" --out - --logits /dev/null
cmp "$scratch/out" SST-2.tsv || fail "predict --out -"
[ -c /dev/null ] || fail "predict replaced /dev/null"

# Lines in, lines out.
tail -n +2 "$SAMPLE/SST-2/test.tsv" | cut -f 2 >lines
input=lines
run 0 predict --task sst2 --model "$RUN"
input=/dev/null
tail -n +2 SST-2.tsv | cut -f 2 | sed 's/0/negative/; s/1/positive/' | cmp - "$scratch/out" ||
    fail "predictions of lines are others"
refuse 3 "standard input: no lines to read" predict --task sst2 --model "$RUN"
input=lines
run 0 predict --task sst2 --model "$RUN" --limit 3
[ "$(wc -l <"$scratch/out")" = 3 ] || fail "predict --limit 3 of lines"
refuse 2 "--split has no effect without --data" predict --task sst2 --model "$RUN" --split dev

# Only the given file changes; a link is followed.
echo mine >to.tsv.tmp
ln -s to.tsv link.tsv
run 0 predict --task sst2 --model "$RUN" --out link.tsv
[ "$(cat to.tsv.tmp)" = mine ] || fail "predict took over to.tsv.tmp"
[ -L link.tsv ] && [ -s to.tsv ] || fail "predict replaced a link"
cp to.tsv before.tsv
refuse 2 "--out and --logits are the same file" predict --task sst2 --model "$RUN" --out to.tsv \
    --logits ./link.tsv
cmp to.tsv before.tsv || fail "a refused predict changed its file"
input=/dev/null

# eval reports what it leaves out and what it assumes.
mkdir QQP
printf 'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\tb\t0\n1\t3\t4\ta\n' >QQP/dev.tsv
run 0 eval --task qqp --model "$RUN" --data . --any-labels
grep -q '^QQP/dev.tsv: 1 short row skipped$\|^./QQP/dev.tsv: 1 short row skipped$' "$scratch/err" ||
    fail "eval says nothing of a short row"
grep -q 'the labels are not those of the task, their order is assumed: negative is not_duplicate, positive is duplicate$' "$scratch/err" ||
    fail "eval says nothing of foreign labels"

# Without --max-length a run uses the length that the tokenizer states.
cp -r "$SAMPLE/model" stated
sed 's/"model_max_length": *[0-9]*/"model_max_length": 20/' "$SAMPLE/model/tokenizer_config.json" \
    >stated/tokenizer_config.json
run 0 finetune --task sst2 --model stated --data "$SAMPLE" --out stated.run --max-steps 1 --limit-eval 1
grep -q "truncated to 20 tokens, the model's model_max_length" "$scratch/err" ||
    fail "model_max_length is not the default"

# ---- The sweep refuses runs that its table could not distinguish
glue() { BERTC=$BERTC sh "$here/../../scripts/glue.sh" "$SAMPLE/model" "$@" >"$scratch/out" 2>"$scratch/err"; }
checks=$((checks + 4))
glue "$SAMPLE" sweep --tasks wnli -- --lr 1 && fail "glue.sh takes --lr after --"
glue "$SAMPLE" sweep --tasks wnli --seeds "1 1" --epochs 1 -- --limit-train 16 --threads 1 ||
    fail "glue.sh: $(cat "$scratch/err")"
grep -q '^wnli  *2e-5\* *1 ' "$scratch/out" || fail "glue.sh counts a seed twice: $(cat "$scratch/out")"
mv sweep/wnli/lr-2e-5/seed-1/model.safetensors kept
glue "$SAMPLE" sweep --tasks wnli --seeds "1 1" --epochs 1 -- --limit-train 16 --threads 1 &&
    fail "glue.sh takes a run without weights for done"
grep -q 'seed-1/model.safetensors: cannot open' "$scratch/err" || fail "glue.sh: $(cat "$scratch/err")"
mv kept sweep/wnli/lr-2e-5/seed-1/model.safetensors
glue "$SAMPLE/." sweep --tasks wnli --epochs 1 -- --limit-train 16 --threads 1 &&
    fail "glue.sh mixes two data sets"

# ---- Fewer threads than were asked for
scores() { sed -n 's/.*"loss":\([0-9.]\{7\}\).*"metrics":\(.*\)/\1 \2/p' "$scratch/out"; }
run 0 eval --task sst2 --model "$RUN" --data "$SAMPLE" --json --threads 1 --backend reference
expected=$(scores)
for limit in OMP_THREAD_LIMIT=1 OMP_DYNAMIC=true OMP_MAX_ACTIVE_LEVELS=0; do
    for backend in onednn openblas; do
        checks=$((checks + 1))
        env "$limit" timeout -s KILL 60 "$BERTC" eval --task sst2 --model "$RUN" --data "$SAMPLE" --json --threads 2 \
            --backend $backend >"$scratch/out" 2>"$scratch/err" || fail "$limit, $backend: exit code $?"
        [ "$(scores)" = "$expected" ] || fail "$limit, $backend: $(scores), not $expected"
        [ $limit = OMP_DYNAMIC=true ] ||
            grep -qx -- '2 threads: OpenMP gives 1 (OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS)' "$scratch/err" ||
            fail "$limit, $backend: $(cat "$scratch/err")"
    done
done

# ---- The task table
run 0 tasks
[ "$(wc -l <"$scratch/out")" = 13 ] || fail "bertc tasks prints $(wc -l <"$scratch/out") lines"
for task in cola sst2 mrpc stsb qqp mnli mnli-mm qnli rte wnli ax; do
    grep -q "^$task " "$scratch/out" || fail "bertc tasks has no $task"
done

# ---- inspect
run 0 inspect "$RUN"
grep -q 'bert.embeddings.word_embeddings.weight' "$scratch/out" || fail "inspect lists no tensor"
run 0 inspect "$RUN/model.safetensors"
grep -q 'classifier.bias' "$scratch/out" || fail "inspect of a file lists no tensor"
finish
