# Evaluation splits and options of the loss of finetune: output and refusals.
. "$(dirname "$0")/lib.sh"

tune() {
    task=$1
    shift
    run 0 finetune --task "$task" --model "$SAMPLE/model" --data "$SAMPLE" --batch-size 8 --max-steps 4 \
        --lr 5e-4 --limit-eval 40 "$@"
}

# alike LINE: compare a line of the last run, except its loss, with the output of 'bertc eval' for the same split.
alike() {
    checks=$((checks + 1))
    task=$(sed -n "$1s/.*\"task\":\"\([^\"]*\)\".*/\1/p" printed)
    split=$(sed -n "$1s/.*\"split\":\"\([^\"]*\)\".*/\1/p" printed)
    run 0 eval --task "$task" --model out --data "$SAMPLE" --split "$split" --limit 40 --json
    [ "$(sed -n "$1s/\"loss\":[^,]*,//p" printed)" = "$(sed 's/"loss":[^,]*,//' "$scratch/out")" ] ||
        fail "finetune and eval say different things of $task, $split: $(cat printed "$scratch/out")"
}

# ---- Several splits: a line for each, in their order, and an array in run.json
tune mnli --eval-splits mnli-mm,dev,train --eval-every 2 --out out
cp "$scratch/out" printed
[ "$(sed 's/.*"task":"\([^"]*\)","split":"\([^"]*\)".*/\1 \2/' printed | tr '\n' ,)" = \
    "mnli-mm dev,mnli dev,mnli train," ] || fail "not the three splits: $(cat printed)"
for line in 1 2 3; do alike $line; done
[ "$(tr -d '[]' <out/eval.json | sed 's/,$//')" = "$(cat printed)" ] || fail "eval.json: $(cat out/eval.json)"
[ "$(grep -c '"eval":' out/log.jsonl)" = 6 ] || fail "not two evaluations of three splits"
grep -q '"dev":\[{"examples":40,.*},{"examples":40,.*},{"examples":40,.*}\]' out/run.json ||
    fail "counts of the splits: $(cat out/run.json)"
rm -r out

# Labels of a task in another order are matched by name.
tune rte --eval-splits dev,wnli --out out
cp "$scratch/out" printed
for line in 1 2; do alike $line; done
rm -r out

# One split is printed and recorded as without the option.
tune sst2 --out out
[ "$(wc -l <"$scratch/out")" = 1 ] || fail "not one line: $(cat "$scratch/out")"
cmp "$scratch/out" out/eval.json || fail "eval.json is not what was printed"
rm -r out

# ---- Patience: the model does not change, so the first evaluation stays the best
tune sst2 --lr 0 --eval-every 1 --patience 2 --best-metric loss --out out
grep -q '^step 3: no better loss since step 1, the run ends$' "$scratch/err" || fail "$(cat "$scratch/err")"
grep -q '^3 of 4 steps in ' "$scratch/err" || fail "$(cat "$scratch/err")"
grep -q '"steps":3,"planned_steps":4,' out/run.json || fail "$(cat out/run.json)"
run 0 finetune --task sst2 --model "$SAMPLE/model" --data "$SAMPLE" --batch-size 8 --max-steps 4 \
    --limit-eval 40 --lr 0 --eval-every 1 --patience 2 --best-metric loss --out out --resume
grep -q '^3 of 4 steps, dev accuracy ' "$scratch/err" || fail "$(cat "$scratch/err")"
rm -r out

# ---- Balanced weights are reported in the order of the labels
tune sst2 --limit-train 400 --stratified --class-weights balanced --label-smoothing 0.1 --out out
grep -q '^class weights: negative [0-9.]*, positive [0-9.]*$' "$scratch/err" || fail "$(cat "$scratch/err")"
grep -q '"class_weights":\[[0-9.]*,[0-9.]*\]' out/run.json || fail "$(cat out/run.json)"
grep -q '"train":{"examples":400,' out/run.json || fail "$(cat out/run.json)"
rm -r out

# ---- Refusals
refused() {
    code=$1 message=$2 task=$3
    shift 3
    refuse "$code" "$message" finetune --task "$task" --model "$SAMPLE/model" --data "$SAMPLE" --out out "$@"
}
refused 2 "--class-weights: 3 weights, task sst2 has 2 classes: negative, positive" sst2 --class-weights 1,2,3
refused 2 "--class-weights: '-1' is not a number of 0 or more" sst2 --class-weights=-1,1
refused 2 "--class-weights: every weight is 0" sst2 --class-weights 0,0
refused 2 "--class-weights: task stsb is a regression, it has no classes" stsb --class-weights balanced
refused 2 "--label-smoothing: task stsb is a regression, it has no classes" stsb --label-smoothing 0.1
refused 2 "--label-smoothing: 1.1 is out of range, 0 to 1" sst2 --label-smoothing 1.1
refused 2 "--best-metric: task sst2 has no f1, its metric is accuracy" sst2 --best-metric f1 --keep best
refused 2 "--best-metric has no effect without --keep best or --patience" sst2 --best-metric loss
refused 2 "--best-metric: 'recall' is not one of primary|accuracy|f1|matthews|pearson|spearman|loss" sst2 \
    --best-metric recall
refused 2 "--patience: -1 is out of range, 0 to 2147483647" sst2 --patience -1
refused 2 "--eval-splits: 'dev' is listed twice" mnli --eval-splits dev,mnli-mm,dev
refused 2 "--eval-splits: task rte has other labels than mnli" mnli --eval-splits dev,rte
refused 2 "--eval-splits: 'matched' is not train, dev, test or a task" mnli --eval-splits matched
refused 2 "--stratified has no effect without --limit-train" sst2 --stratified
refused 3 "$SAMPLE/SST-2/test.tsv: the test split has no labels to score; its header has no column \"label\", only \"index\", \"sentence\"" sst2 --eval-splits dev,test
mkdir -p one/SST-2
cp "$SAMPLE/SST-2/dev.tsv" one/SST-2
printf 'sentence\tlabel\ngood\t1\nfine\t1\n' >one/SST-2/train.tsv
refused 3 "one/SST-2/train.tsv: no example of class negative, --class-weights balanced needs an example of each class" \
    sst2 --data one --class-weights balanced
finish
