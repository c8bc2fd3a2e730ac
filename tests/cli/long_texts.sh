# Texts longer than --max-length: --long and --window-overlap in each command, and what is reported.
. "$(dirname "$0")/lib.sh"

options="--task sst2 --model $SAMPLE/model --data $SAMPLE --batch-size 8 --max-steps 4 --lr 5e-4 --limit-eval 40"
options="$options --limit-train 60 --max-length 8"
cut=" texts cut into windows of at most 8 tokens (--max-length): "

run 0 finetune $options --long windows --out run
[ "$(grep -c "of 60$cut[0-9]* windows in all$" "$scratch/err")" = 1 ] || fail "windows of train: $(cat "$scratch/err")"
[ "$(grep -c "of 40$cut[0-9]* windows in all$" "$scratch/err")" = 1 ] || fail "windows of dev: $(cat "$scratch/err")"
grep -q '"long":"windows","window-overlap":2,' run/run.json || fail "recorded options: $(cat run/run.json)"
grep -q '"train":{"examples":60,.*"truncated":0,"invalid_utf8":0,"windows":[0-9]*}' run/run.json || fail "counts"
[ "$(wc -l <run/predictions.dev.jsonl)" = 40 ] || fail "not one prediction for each text"

# eval and predict take the run's own setting; an option takes precedence.
score() { run 0 eval --task sst2 --model run --data "$SAMPLE" --limit 40 --json "$@"; }
score
cp "$scratch/out" own
grep -q "of 40$cut" "$scratch/err" || fail "eval does not cut: $(cat "$scratch/err")"
score --long windows --max-length 8
cmp own "$scratch/out" || fail "eval with the run's setting"
for other in "--long head" "--long tail" "--long windows --window-overlap 5"; do
    score $other
    cmp -s own "$scratch/out" && fail "eval $other is as without"
done
grep -q '"examples":40,' own || fail "not one row for each text"
score --long head
grep -q '40 texts truncated to 8 tokens (--max-length)$' "$scratch/err" || fail "eval --long head"

# A text gives one line of output, however many windows it has.
head -n 3 "$SAMPLE/SST-2/test.tsv" | tail -n 2 | cut -f 2 >lines
input=lines
run 0 predict --task sst2 --model run --logits logits.tsv
[ "$(wc -l <"$scratch/out")" = 2 ] || fail "predict: $(cat "$scratch/out")"
grep -q "of 2$cut[0-9]* windows in all$" "$scratch/err" || fail "windows of lines: $(cat "$scratch/err")"
[ "$(wc -l <logits.tsv)" = 3 ] || fail "logits: $(cat logits.tsv)"

# Refusals.
refuse 2 "--window-overlap has no effect without --long" eval --task sst2 --model run --data "$SAMPLE" --window-overlap 0
refuse 2 "--window-overlap has no effect without '--long windows'" eval --task sst2 --model run --data "$SAMPLE" \
    --long tail --window-overlap 3
refuse 2 "--window-overlap has no effect without '--long windows'" finetune $options --window-overlap 0 --out new
refuse 2 "--window-overlap 6: a window of --max-length 8 has 6 tokens besides [CLS] and [SEP], the overlap must be smaller" \
    finetune $options --long windows --window-overlap 6 --out new
refuse 2 "embed does not cut texts into windows; choose --long head or --long tail" embed --model run
run 0 embed --model run --long tail

# tokenize keeps the first or the last tokens.
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\n' >vocab.txt
printf 'a b c d\na\n' >lines
expect 0 "2 4 5 3
2 4 3" "" tokenize --vocab vocab.txt --max-length 4
expect 0 "2 6 7 3
2 4 3" "" tokenize --vocab vocab.txt --max-length 4 --long tail
refuse 2 "--long has no effect without --max-length" tokenize --vocab vocab.txt --long tail

finish
