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

# ---- Metrics: each evaluation and the result have those of --metrics; the smallest error is the best
tune stsb --eval-every 1 --metrics mae,own --best-metric mae --keep best --eval-splits dev,train --out out
cp "$scratch/out" printed
grep -q '^4 steps in .*, dev mae [0-9.]*, model in out$' "$scratch/err" || fail "$(cat "$scratch/err")"
[ "$(grep -c '"metrics":{"mae":[0-9.]*,"pearson":[-0-9.e]*,"spearman":[-0-9.e]*}' out/log.jsonl)" = 8 ] || fail "$(cat out/log.jsonl)"
least=$(sed -n 's/.*"split":"dev".*"mae":\([0-9.]*\).*/\1/p' out/log.jsonl | sort -g | head -n 1)
grep -q "\"split\":\"dev\".*\"mae\":$least," printed || fail "not the smallest, $least: $(cat printed)"
grep -q '"metrics":"mae,own"' out/run.json || fail "$(cat out/run.json)"
refuse 2 "out: --metrics was mae,own in this run and is own now" finetune --task stsb --model "$SAMPLE/model" \
    --data "$SAMPLE" --batch-size 8 --max-steps 4 --lr 5e-4 --limit-eval 40 --eval-every 1 --best-metric mae --keep best \
    --eval-splits dev,train --out out --resume
run 0 eval --task stsb --model out --data "$SAMPLE" --limit 40 --json --metrics own,mae
sed 's/.*"mae":\([0-9.]*\)}}/\1/' "$scratch/out" | awk "{ exit !(\$1 - $least < 1e-4 && $least - \$1 < 1e-4) }" ||
    fail "$least, but $(cat "$scratch/out")"
rm -r out
tune sst2,stsb --metrics all --out out
grep -q '"task":"sst2",.*"average_precision":[0-9.]*,"subset_accuracy":[0-9.]*,"loss":' "$scratch/out" || fail "$(cat "$scratch/out")"
grep -q '"task":"stsb",.*"mse":[0-9.]*,"mae":[0-9.]*,"r2":[-0-9.e]*,"loss":' "$scratch/out" || fail "$(cat "$scratch/out")"
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
classes="accuracy, matthews, f1_macro, f1_micro, f1_weighted, precision_macro, precision_micro, recall_macro, recall_micro, auc, average_precision, subset_accuracy, loss"
values="pearson, spearman, mse, mae, r2, loss"
refused 2 "--best-metric: task mnli has no metric f1, its metrics are $classes" mnli --best-metric f1 --keep best
refused 2 "--best-metric: task stsb has no metric auc, its metrics are $values" sst2,stsb --best-metric auc --keep best
refused 2 "--metrics: task stsb has no metric auc, its metrics are $values" sst2,stsb --metrics own,auc
refused 2 "--metrics: task mnli has no metric kappa, its metrics are $classes" mnli --metrics kappa
refused 2 "--metrics: auc is listed twice" sst2 --metrics auc,own,auc
refused 2 "--best-metric has no effect without --keep best or --patience" sst2 --best-metric loss
names="primary|accuracy|f1|f1_macro|f1_micro|f1_weighted|precision|precision_macro|precision_micro|recall|recall_macro|recall_micro"
names="$names|matthews|auc|average_precision|subset_accuracy|mse|mae|r2|pearson|spearman|loss"
refused 2 "--best-metric: 'kappa' is not one of $names" sst2 --best-metric kappa
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
