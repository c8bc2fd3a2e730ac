# Output means what it seems to mean: each row's prediction has the row's index, texts and labels come from the right
# columns, labels are those of the task, and a run that did not learn reports it.
. "$(dirname "$0")/lib.sh"

says() {
    checks=$((checks + 1))
    grep -qxF -e "$1" "$scratch/err" || fail "not said: $1, but $(cat "$scratch/err")"
}
silent() {
    checks=$((checks + 1))
    ! grep -q -e "$1" "$scratch/err" || fail "said: $(cat "$scratch/err")"
}
# indices EXPECTED FILE: compare the first column, without its header.
indices() {
    checks=$((checks + 1))
    [ "$(tail -n +2 "$2" | cut -f 1 | tr '\n' ' ')" = "$1 " ] || fail "not the indices $1: $(cat "$2")"
}
tune() {
    run 0 finetune --model "$SAMPLE/model" --data "$SAMPLE" --batch-size 8 --threads 1 "$@"
}

# ---- Every row, under its own index
tune --task mnli --max-steps 2 --limit-eval 8 --out mnli
mkdir MNLI AX SST-2 CoLA
printf 'index\tsentence1\tsentence2\tgold_label\n7\ta b\tc\t-\n3\ta\tc d\tneutral\n9\ta\te\t-\n' >MNLI/dev_matched.tsv
run 0 predict --task mnli --model mnli --data . --split dev --out p.tsv --logits l.tsv
indices "7 3 9" p.tsv
indices "7 3 9" l.tsv
run 0 predict --task mnli --model mnli --data . --split dev --limit 2 --out p.tsv
indices "7 3" p.tsv
run 0 eval --task mnli --model mnli --data . --json
grep -q '"examples":1,' "$scratch/out" || fail "eval: $(cat "$scratch/out")"
says "./MNLI/dev_matched.tsv: 2 rows without a gold label left out"
printf 'sentence1\tsentence2\tgold_label\na b\tc\thidden\na\tc d\t-\na\te\t\n' >MNLI/test_mismatched.tsv
run 0 predict --task mnli-mm --model mnli --data . --out p.tsv
indices "0 1 2" p.tsv
refuse 3 './MNLI/test_mismatched.tsv:2: label "hidden" is not one of entailment, neutral, contradiction' \
    eval --task mnli-mm --model mnli --data . --split test
printf 'index\tsentence1\tsentence2\n5\ta\tb\n4\tc\td\n' >AX/diagnostic.tsv
run 0 predict --task ax --model mnli --data . --out p.tsv
indices "5 4" p.tsv

# Rows of a shortened and shuffled test file get the same predictions as in the full file.
run 0 predict --task sst2 --model "$RUN" --data "$SAMPLE" --out whole.tsv
{ head -n 1 "$SAMPLE/SST-2/test.tsv"; sed '1d; /^[0-9]*[05]\t/!d' "$SAMPLE/SST-2/test.tsv" | sort -t '	' -k 2; } >SST-2/test.tsv
run 0 predict --task sst2 --model "$RUN" --data . --out part.tsv --logits l.tsv
[ "$(tail -n +2 part.tsv | cut -f 1)" = "$(tail -n +2 SST-2/test.tsv | cut -f 1)" ] || fail "another order: $(head part.tsv)"
[ "$(tail -n +2 part.tsv | cut -f 1)" = "$(tail -n +2 l.tsv | cut -f 1)" ] || fail "another order: $(head l.tsv)"
[ "$(sort part.tsv)" = "$(sed '1n; /^[0-9]*[05]\t/!d' whole.tsv | sort)" ] || fail "other predictions than of the whole file"
run 0 embed --model "$SAMPLE/model" --task sst2 --data . --split test --format tsv --out e.tsv
[ "$(cut -f 1 e.tsv)" = "$(tail -n +2 SST-2/test.tsv | cut -f 1)" ] || fail "embed numbers rows anew: $(cut -f 1 e.tsv)"
printf 'id\tsentence\n12\tgood\nx"1\tbad\n07\tfine\n' >SST-2/test.tsv
run 0 embed --model "$SAMPLE/model" --task sst2 --data . --split test --out e.jsonl
[ "$(sed 's/,"embedding.*//' e.jsonl | tr '\n' ' ')" = '{"index":12 {"index":"x\"1" {"index":"07" ' ] || fail "$(cut -c 1-40 e.jsonl)"

# Tables of Hugging Face `datasets` give what the original files give: CSV, JSON lines and gzip data, labels as numbers
# and as names.
awk -F '\t' 'BEGIN { OFS = "," } { gsub("\"", "\"\"", $1); print NR == 1 ? "sentence,label,idx" : "\"" $1 "\"" OFS $2 OFS NR - 2 }' \
    "$SAMPLE/SST-2/dev.tsv" >dev.csv
awk -F '\t' 'NR > 1 { gsub(/["\\]/, "\\\\&", $1)
                      print "{\"sentence\": \"" $1 "\", \"label\": \"" ($2 ? "positive" : "negative") "\", \"idx\": " NR - 2 "}" }' \
    "$SAMPLE/SST-2/dev.tsv" >dev.jsonl
run 0 eval --task sst2 --model "$RUN" --data "$SAMPLE" --json
cp "$scratch/out" original
for table in csv/sst2/validation.csv json/sst2/validation.jsonl gzip/validation.csv.gz; do
    mkdir -p "${table%/*}"
    case $table in
    *.csv) cp dev.csv "$table" ;;
    *.jsonl) cp dev.jsonl "$table" ;;
    *.gz) gzip -c dev.csv >"$table" ;;
    esac
    run 0 eval --task sst2 --model "$RUN" --data "${table%%/*}" --json
    cmp original "$scratch/out" || fail "$table gives $(cat "$scratch/out")"
done
cp csv/sst2/validation.csv csv/sst2/test.csv
run 0 predict --task sst2 --model "$RUN" --data csv --out p.tsv
[ "$(tail -n +2 p.tsv | cut -f 1)" = "$(tail -n +2 dev.csv | sed 's/.*,//')" ] || fail "another index: $(head p.tsv)"
refuse 2 "csv/sst2/test.csv: is an input file or belongs to the model; choose another --out" \
    predict --task sst2 --model "$RUN" --data csv --out csv/sst2/test.csv
printf 'sentence,label\n"good,1\n' >csv/sst2/test.csv
refuse 3 "csv/sst2/test.csv:2:1: a quote that is not closed" predict --task sst2 --model "$RUN" --data csv --out q.tsv
[ ! -e q.tsv ] || fail "an output of bad input"
head -c 200 gzip/validation.csv.gz >gzip/test.csv.gz
refuse 3 "gzip/test.csv.gz: byte 200: the gzip data are cut off" predict --task sst2 --model "$RUN" --data gzip

# A row with too few columns is an error in every split.
printf 'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\tb\t0\n1\t3\t4\ta\n' >dev.tsv
refuse 3 "./dev.tsv:3: 4 columns, expected 6" predict --task qqp --model "$RUN" --data . --split dev --any-labels

# ---- Columns are found by name
printf 'id\ttext\tlabel\n0\tgood\t1\n1\tbad\t0\n' >SST-2/train.tsv
printf 'label\ttext\n1\tgood\n0\tbad\n' >SST-2/dev.tsv
cp SST-2/dev.tsv SST-2/test.tsv
refuse 3 './SST-2/train.tsv:1: the header has no column "sentence", only "id", "text", "label"' \
    finetune --task sst2 --model "$SAMPLE/model" --data . --out none
refuse 3 './SST-2/dev.tsv:1: the header has no column "sentence", only "label", "text"' \
    eval --task sst2 --model "$RUN" --data .
refuse 3 './SST-2/test.tsv:1: the header has no column "sentence", only "label", "text"' \
    predict --task sst2 --model "$RUN" --data .
printf 'sentence\tSentence\tlabel\ngood\tbad\t1\n' >SST-2/test.tsv
refuse 3 './SST-2/test.tsv:1: two columns of the header are named "Sentence"' predict --task sst2 --model "$RUN" --data .
printf 'sentence\tgold\ngood\t1\n' >SST-2/dev.tsv
refuse 3 './SST-2/dev.tsv: the dev split has no labels to score; its header has no column "label", only "sentence", "gold"' \
    eval --task sst2 --model "$RUN" --data .
run 0 predict --task sst2 --model "$RUN" --data . --split dev
[ "$(wc -l <"$scratch/out")" = 2 ] || fail "predict without labels: $(cat "$scratch/out")"

# ---- Labels of the task
printf 'index\tsentence\n0\tgood\n' >CoLA/test.tsv
refuse 3 "$RUN/config.json: the model's 2 labels (negative, positive) match none of the 2 labels of task cola (unacceptable, acceptable); --any-labels takes them in their order" \
    predict --task cola --model "$RUN" --data .
refuse 3 "$RUN/config.json: the model's 2 labels (negative, positive) match none of the 2 labels of task cola (unacceptable, acceptable); --any-labels takes them in their order" \
    eval --task cola --model "$RUN" --data "$SAMPLE"
run 0 predict --task cola --model "$RUN" --data . --any-labels
says "$RUN/config.json: the labels are not those of the task, their order is assumed: negative is unacceptable, positive is acceptable"
refuse 3 "mnli/config.json: the model's 3 labels (entailment, neutral, contradiction) differ in number from the 2 labels of task rte (entailment, not_entailment)" \
    eval --task rte --model mnli --data "$SAMPLE" --any-labels
refuse 3 "$RUN/config.json: the model has 2 labels, but task stsb needs one value" \
    eval --task stsb --model "$RUN" --data "$SAMPLE" --any-labels
cp -r "$RUN" unnamed
sed -i 's/"negative"/"LABEL_0"/; s/"positive"/"LABEL_1"/' unnamed/config.json
for command in predict "eval --limit 8"; do
    run 0 $command --task sst2 --model unnamed --data "$SAMPLE"
    says "unnamed/config.json: the labels have no names, their order is assumed: LABEL_0 is negative, LABEL_1 is positive"
done
run 0 predict --task sst2 --model "$RUN" --data "$SAMPLE"
silent assumed

# ---- A run that did not learn
tune --task cola --lr 5 --max-grad-norm 0 --max-steps 30 --out wild
tail -n 3 "$scratch/err" >last
grep -q '^the run did not learn: cola: the training loss is [0-9.]*, it began at 0\.[0-9]*$' last || fail "$(cat "$scratch/err")"
grep -q '^the run did not learn: cola dev: [a-z]*acceptable is predicted for all 600 examples$' last || fail "$(cat "$scratch/err")"
grep -q '^30 steps in .*, model in wild; it did not learn, see above$' last || fail "$(cat "$scratch/err")"
grep -q '"warnings":\["cola: the training loss is .*","cola dev: .* is predicted for all 600 examples"\]' wild/run.json ||
    fail "$(cat wild/run.json)"
case $(cat "$scratch/out") in
'{"task":"cola","split":"dev","examples":600,"loss":'*',"metrics":{"matthews":0,"accuracy":'*'}}') ;;
*) fail "not the object that was agreed on: $(cat "$scratch/out")" ;;
esac
cp "$scratch/out" printed
tune --task cola --lr 5 --max-grad-norm 0 --max-steps 30 --out wild --resume
grep -q '^30 steps, dev matthews 0.0000, model in wild; it did not learn, see above$' "$scratch/err" || fail "$(cat "$scratch/err")"
[ "$(grep -c '^the run did not learn: ' "$scratch/err")" = 2 ] || fail "$(cat "$scratch/err")"
cmp printed "$scratch/out" || fail "a finished run prints another result"
run 0 eval --task cola --model wild --data "$SAMPLE" --json
grep -q '^cola dev: [a-z]*acceptable is predicted for all 600 examples$' "$scratch/err" || fail "$(cat "$scratch/err")"
# With several tasks, the warning gives the task and is recorded in the task's folder.
tune --task sst2,stsb --task-sampling uniform --lr 5 --max-grad-norm 0 --max-steps 30 --out both
for task in sst2 stsb; do
    grep -q "^the run did not learn: $task: the training loss is " "$scratch/err" || fail "$(cat "$scratch/err")"
    grep -q "\"warnings\":\[\"$task: the training loss is [^]]*\]" both/$task/run.json || fail "$(cat both/$task/run.json)"
done
grep -q '^the run did not learn: stsb dev: about the same value is predicted for all 500 examples$' "$scratch/err" || fail "$(cat "$scratch/err")"
grep -q '"warnings":\["sst2: .*"stsb: .*\]' both/run.json || fail "$(cat both/run.json)"
# Few examples are no reason for a warning.
tune --task cola --limit-train 64 --limit-eval 8 --epochs 1 --lr 5e-4 --out small
silent 'did not learn'
grep -q '"warnings":\[\],' small/run.json || fail "$(cat small/run.json)"
grep -q '^8 steps in [0-9]*s, [0-9]* tokens/s in training, dev matthews [-0-9.]*, model in small$' "$scratch/err" || fail "$(cat "$scratch/err")"
finish
