# bertc eval --metrics and --by-class: the table, the object, refusals.
. "$(dirname "$0")/lib.sh"

evaluate() { run 0 eval --task sst2 --model "$RUN" --data "$SAMPLE" "$@"; }
number() { sed -n "s/^$1 *//p" "$scratch/out"; }

# ---- The default is the task's own metrics
evaluate
cp "$scratch/out" plain
evaluate --metrics own
cmp plain "$scratch/out" || fail "own is not the default"
evaluate --metrics f1_macro,average_precision,loss
[ "$(cut -d ' ' -f 1 "$scratch/out" | tr '\n' ' ')" = "task split examples loss f1_macro average_precision " ] ||
    fail "$(cat "$scratch/out")"
grep -q '^average_precision [01][.][0-9]*$' "$scratch/out" || fail "a long name is not separate: $(cat "$scratch/out")"
[ "$(number loss)" = "$(sed -n 's/^loss *//p' plain)" ] || fail "another loss: $(cat "$scratch/out")"
evaluate --metrics all --json
for name in accuracy f1 matthews f1_macro f1_micro f1_weighted precision precision_macro precision_micro recall \
    recall_macro recall_micro auc average_precision subset_accuracy loss; do
    checks=$((checks + 1))
    grep -q "[{,]\"$name\":[-0-9.e]*[,}]" "$scratch/out" || fail "no $name: $(cat "$scratch/out")"
done

# A metric without a value: no example is positive
mkdir -p SST-2
printf 'sentence\tlabel\ngood\t0\nbad\t0\n' >SST-2/dev.tsv
run 0 eval --task sst2 --model "$RUN" --data . --metrics auc,f1 --json
grep -q '"metrics":{"auc":null,"f1":0}}$' "$scratch/out" || fail "$(cat "$scratch/out")"
run 0 eval --task sst2 --model "$RUN" --data . --metrics auc,f1
contains "$scratch/out" "auc       nan" "f1        0.0000"

# ---- By class: the same numbers in the table, the object and the metrics
evaluate --by-class --metrics accuracy,recall,precision,f1
cp "$scratch/out" table
head -n 8 table | cut -c 1-30 >scores
evaluate --by-class --metrics accuracy,recall,precision,f1 --json
cp "$scratch/out" object
positive=$(sed -n 's/^positive  *//p' table | tr -s ' ')
[ "$(echo "$positive" | cut -d ' ' -f 1-3)" = "$(sed -n 's/^precision  *\(.*\)/\1/p' table | head -n 1) $(sed -n 's/^recall  *//p' table) $(sed -n 's/^f1  *//p' table)" ] ||
    fail "class 1 has other scores: $(cat table)"
sed -n 's/^ [01]  [a-z]* *\([0-9]\)/\1/p' table | tr -s ' ' ',' | tr '\n' ';' >matrix
[ "$(cat matrix)" = "$(sed 's/.*"confusion":\[\[//; s/\],\[/;/; s/\]\]}/;/' object | tr -d '\n')" ] ||
    fail "other matrices: $(cat table object)"
# The matrix counts every example once, the rows sum up to the supports.
set -- $(tr ',;' '  ' <matrix)
[ $(($1 + $2 + $3 + $4)) = "$(sed -n 's/^examples *//p' table)" ] || fail "not all examples: $(cat table)"
[ "$(($1 + $2)) $(($3 + $4))" = "$(sed -n 's/^\(negative\|positive\) .* //p' table | tr '\n' ' ' | sed 's/ $//')" ] ||
    fail "other supports: $(cat table)"
grep -q '"classes":\[{"label":"negative","precision":[0-9.]*,"recall":[0-9.]*,"f1":[0-9.]*,"support":[0-9]*},{"label":"positive",' object ||
    fail "$(cat object)"

# ---- Refusals
refuse 2 "--by-class: task stsb is a regression, it has no classes" \
    eval --task stsb --model "$RUN" --data "$SAMPLE" --by-class
refuse 2 "--metrics: task stsb has no metric accuracy, its metrics are pearson, spearman, mse, mae, r2, loss" \
    eval --task stsb --model "$RUN" --data "$SAMPLE" --metrics accuracy
refuse 2 "--metrics: f1 is listed twice" eval --task sst2 --model "$RUN" --data "$SAMPLE" --metrics f1,f1
refuse 2 "--metrics: the name of a metric is empty" eval --task sst2 --model "$RUN" --data "$SAMPLE" --metrics f1,
finish
