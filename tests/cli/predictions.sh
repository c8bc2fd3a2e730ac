# bertc predict: the task of a run, names and probabilities of labels, formats, kept columns, and lines that are answered
# as they arrive.
. "$(dirname "$0")/lib.sh"

tab=$(printf '\t')
# prints TEXT: expect standard output of the last run to be exactly this.
prints() {
    checks=$((checks + 1))
    same "standard output" "$1" "$scratch/out" "the last command"
}

# ---- The task of a model
printf 'a fine film\nthe plot is dull\n' >lines
input=lines
run 0 predict --model "$RUN" --task sst2
cp "$scratch/out" names
run 0 predict --model "$RUN" --logits logits
cmp names "$scratch/out" || fail "the run's own task: $(cat "$scratch/out")"
[ "$(sed 's/negative//; s/positive//' names | tr -d '\n')" = "" ] && [ "$(wc -l <names)" = 2 ] || fail "names: $(cat names)"
cp -r "$RUN" plain
rm plain/run.json
sed -i 's/"negative"/"down, \\"sad\\""/g; s/"positive"/"up\\tbeat"/g' plain/config.json
cp -r plain tame
sed -i 's/"up\\tbeat"/"up"/g' tame/config.json
run 0 predict --model tame
sed 's/negative/down, "sad"/; s/positive/up/' names | cmp - "$scratch/out" || fail "labels of config.json: $(cat "$scratch/out")"
refuse 2 "$SAMPLE: a folder, but tame is not a run of a task; give --task, or one table as --data" predict --model tame --data "$SAMPLE"
refuse 2 "--pair has no effect on task sst2, which decides what is read" predict --model "$RUN" --pair
printf 'a fine film\tthe plot is dull\n' >pair
input=pair
refuse 3 "standard input:1: 2 columns, expected 1" predict --model tame
run 0 predict --model tame --pair
input=/dev/null
run 0 eval --model "$RUN" --data "$SAMPLE" --json
cp "$scratch/out" scores
run 0 eval --model "$RUN" --task sst2 --data "$SAMPLE" --json
cmp scores "$scratch/out" || fail "eval by the run's own task: $(cat scores)"

# ---- Probabilities are the softmax of the logits.
input=lines
run 0 predict --model "$RUN" --probabilities --logits logits
[ "$(head -n 1 "$scratch/out")" = "prediction${tab}negative${tab}positive" ] || fail "$(cat "$scratch/out")"
paste logits "$scratch/out" | awk -F '\t' '
    NR > 1 { e = exp($2) + exp($3); d = $5 - exp($2) / e; u = $6 - exp($3) / e
             if (d * d + u * u > 1e-16 || $4 != ($5 >= $6 ? "negative" : "positive")) { print; bad = 1 } }
    END { exit bad || NR != 3 }' || fail "probabilities: $(cat logits "$scratch/out")"
checks=$((checks + 1))

# ---- Formats: csv and jsonl hold every label; tsv refuses a label with a TAB.
run 0 predict --model "$RUN" --top-k 9 --format jsonl
row=0
for best in $(cat names); do
    other=positive
    [ $best = negative ] || other=negative
    sed 's/:0\.[0-9]*}/:P}/g' "$scratch/out" >shape
    contains shape "{\"row\":$row,\"prediction\":\"$best\",\"top\":[{\"label\":\"$best\",\"probability\":P},{\"label\":\"$other\",\"probability\":P}]}"
    row=$((row + 1))
done
run 0 predict --model "$RUN" --top-k 1
cut -f 2 "$scratch/out" | tail -n +2 | cmp - names || fail "the best label: $(cat "$scratch/out")"
run 0 predict --model tame --format csv --probabilities
contains "$scratch/out" 'prediction,"down, ""sad""",up'
run 0 predict --model plain --format csv --probabilities
contains "$scratch/out" "prediction,\"down, \"\"sad\"\"\",up${tab}beat"
run 0 predict --model plain --format jsonl --probabilities
grep -q '"probabilities":{"down, \\"sad\\"":0.[0-9]*,"up\\u0009beat":0.[0-9]*}}$' "$scratch/out" || fail "$(cat "$scratch/out")"
run 3 predict --model plain --probabilities
tail -n 1 "$scratch/err" | grep -q '^bertc: row 0, column "up.*": it contains a TAB or a line end, which TSV cannot hold; --format csv and jsonl can$' ||
    fail "$(cat "$scratch/err")"

# ---- A threshold leaves predictions out.
run 0 predict --model "$RUN" --threshold 0
cmp names "$scratch/out" || fail "threshold 0"
run 0 predict --model "$RUN" --threshold 1
prints "
"
run 0 predict --model "$RUN" --threshold 1 --format csv
prints 'prediction
""
""'
run 0 predict --model "$RUN" --threshold 1 --format jsonl --top-k 1
prints '{"row":0,"prediction":null,"top":[]}
{"row":1,"prediction":null,"top":[]}'
input=/dev/null
for value in -0.1 1.01; do
    refuse 2 "--threshold: $value is out of range, 0 to 1" predict --model "$RUN" --threshold $value
done
refuse 2 "--top-k: 0 is out of range, 1 to 2147483647" predict --model "$RUN" --top-k 0
run 0 finetune --task stsb --model "$SAMPLE/model" --data "$SAMPLE" --out value --max-steps 1 --limit-eval 4 --threads 1
for option in probabilities "top-k 2" "threshold 0.5"; do
    refuse 2 "--${option% *} has no effect on stsb, a regression: it predicts a value, which has no probability" \
        predict --model value --$option
done
input=pair
run 0 predict --model value --logits logits
[ "$(tail -n 1 logits)" = "0${tab}$(cat "$scratch/out")" ] || fail "the value: $(cat logits "$scratch/out")"
input=/dev/null

# ---- A table as --data, and its columns
printf 'id,sentence,note\r\n7,a fine film,"x, ""y""\nz"\r\n3,the plot is dull,\r\n' >films.csv
run 0 predict --model "$RUN" --data films.csv
[ "$(cut -f 1 "$scratch/out" | tr '\n' ' ')" = "index 7 3 " ] || fail "index: $(cat "$scratch/out")"
[ "$(tail -n +2 "$scratch/out" | cut -f 2)" = "$(cat names)" ] || fail "names: $(cat "$scratch/out")"
run 0 predict --model "$RUN" --data films.csv --keep-columns all --format csv
printf 'id,sentence,note,prediction\n7,a fine film,"x, ""y""\nz",%s\n3,the plot is dull,,%s\n' $(cat names) | cmp - "$scratch/out" ||
    fail "kept columns: $(cat "$scratch/out")"
cp "$scratch/out" again.csv
run 0 predict --model "$RUN" --data films.csv --keep-columns note,id --format jsonl
[ "$(head -n 1 "$scratch/out" | cut -d , -f 1-3)" = '{"row":0,"note":"x, \"y\"\u000az"' ] || fail "$(cat "$scratch/out")"
run 2 predict --model "$RUN" --data again.csv --keep-columns all
[ "$(tail -n 1 "$scratch/err")" = 'bertc: two columns of the output are named "prediction"; leave it out of --keep-columns' ] || fail "$(cat "$scratch/err")"
refuse 2 "--keep-columns has no effect without --data" predict --model "$RUN" --keep-columns all
refuse 3 'films.csv: there is no column "colour" to keep, only "id", "sentence", "note"' \
    predict --model "$RUN" --data films.csv --keep-columns id,colour
refuse 2 "films.csv: is an input file or belongs to the model; choose another --out" \
    predict --model "$RUN" --data films.csv --out films.csv
run 0 predict --model "$RUN" --data "$SAMPLE" --limit 3 --format tsv
[ "$(cut -f 2 "$scratch/out" | sed 's/negative\|positive/NAME/' | tr '\n' ' ')" = "prediction NAME NAME NAME " ] || fail "$(cat "$scratch/out")"
cp lines lines.txt
run 0 predict --model "$RUN" --data lines.txt --format jsonl
[ "$(head -n 1 "$scratch/out" | cut -d , -f 1)" = '{"row":0' ] || fail "$(cat "$scratch/out")"

# ---- A slow writer gets each answer before it writes the next line.
mkfifo in out
"$BERTC" predict --model "$RUN" --threads 1 <in >out 2>"$scratch/err" &
pid=$!
exec 3>in 4<out
: >answers
for i in 1 2; do
    sed -n ${i}p lines >&3
    timeout 60 head -n 1 <&4 >>answers
done
cmp answers names || fail "answers: $(cat answers)"
checks=$((checks + 1))
# What was answered stays printed after an interruption.
kill -INT $pid
wait $pid
[ $? = 130 ] || fail "exit code after SIGINT"
tail -n 1 "$scratch/err" | grep -qx 'bertc: stopped' || fail "$(cat "$scratch/err")"
exec 3>&- 4<&-
# A reader that ends: the next answer is a failed write.
while :; do cat lines || break; done 2>/dev/null | { "$BERTC" predict --model "$RUN" --threads 1 2>"$scratch/err"; echo $? >code; } | head -n 1 >first
[ "$(cat code)" = 4 ] && [ "$(cat first)" = "$(head -n 1 names)" ] || fail "broken pipe: $(cat code first)"
grep -qx 'bertc: standard output: cannot write: Broken pipe' "$scratch/err" || fail "$(cat "$scratch/err")"
grep -q 'predict [0-9]' "$scratch/err" || fail "progress: $(cat "$scratch/err")"
# However the lines arrive, the same bytes leave.
for i in 1 2 3 4 5 6 7 8; do sed "s/film/film $i/" lines; done >many
input=many
run 0 predict --model "$RUN" --probabilities
cp "$scratch/out" at_once
while read -r line; do echo "$line"; sleep 0.05; done <many | "$BERTC" predict --model "$RUN" --probabilities --batch-size 3 2>/dev/null | cmp - at_once ||
    fail "another division gives other bytes"
checks=$((checks + 1))
finish
