# Multi-label tasks: tables of sets, tuned thresholds from finetune to eval and predict, refusals.
. "$(dirname "$0")/lib.sh"

# 240 rows of the sample's words; a row has the labels of its words. Tab-separated with ; and with a column for each label.
awk 'BEGIN {
    n = split("film story good bad", words, " ")
    print "text\tlabels" >"sets.tsv"; print "text\tfilm\tstory\tgood\tbad" >"flags.tsv"
    for (i = 0; i < 240; i++) {
        text = ""; set = ""; flags = ""
        for (k = 1; k <= n; k++) {
            has = int(i / 2 ^ (k - 1)) % 2
            text = text (text ? " " : "") (has ? words[k] : "very")
            if (has) set = set (set ? ";" : "") words[k]
            flags = flags "\t" has
        }
        text = text " " i
        print text "\t" set >"sets.tsv"; print text flags >"flags.tsv"
    }
}'

tune() {
    run 0 finetune --task custom --kind multilabel --model "$SAMPLE/model" --epochs 6 --lr 3e-3 --batch-size 16 --seed 1 \
        --threads 1 "$@"
}
score() { sed -n "s/.*\"$1\":\([0-9.e-]*\)[,}].*/\1/p" "$2"; }

# ---- Both tables are the same task
tune --train sets.tsv --label-separator ';' --out plain
tune --train flags.tsv --label-columns bad,film,good,story --out flags
cmp plain/predictions.dev.jsonl flags/predictions.dev.jsonl || fail "a column for each label gives another run"
cmp plain/model.safetensors flags/model.safetensors || fail "a column for each label gives other weights"
grep -q '"problem_type": "multi_label_classification"' plain/config.json || fail "another problem_type"
grep -q '"label":\["film","story"\],"prediction":\[' plain/predictions.dev.jsonl || fail "labels are not a list"
[ ! -e plain/thresholds.json ] || fail "thresholds that were not tuned"
run 0 inspect plain
contains "$scratch/out" "problem  multi_label_classification" "labels   bad film good story"

# ---- Tuned thresholds decide in the result, in eval and in predict
tune --train sets.tsv --label-separator ';' --out tuned --tune-thresholds
contains "$scratch/err" "the thresholds of 4 labels are tuned on custom dev"
grep -q '"thresholds.json":{"bytes":' tuned/run.json || fail "thresholds.json is not a file of the run"
cmp plain/model.safetensors tuned/model.safetensors || fail "tuning changes the weights"
run 0 eval --model tuned --json
[ "$(score f1_macro "$scratch/out")" = "$(score f1_macro tuned/eval.json)" ] || fail "eval has other scores than the run"
contains "$scratch/err" "tuned/thresholds.json: the thresholds of its labels are used"
awk 'BEGIN { exit !('"$(score f1_macro tuned/eval.json)"' >= '"$(score f1_macro plain/eval.json)"') }' ||
    fail "tuned thresholds are worse on the split that they are tuned on"
run 0 eval --model tuned --by-class
grep -q '^film *[01][.]' "$scratch/out" || fail "no scores by label: $(cat "$scratch/out")"
sed 's/: 0[.0-9e-]*/: 0.999999999/' tuned/thresholds.json >t && cp t tuned/thresholds.json
run 0 eval --model tuned --json
[ "$(score f1_macro "$scratch/out")" = 0 ] || fail "thresholds.json is not used: $(cat "$scratch/out")"
echo '{"thresholds": {"film": 0.5}}' >tuned/thresholds.json
refuse 3 'tuned/thresholds.json: no threshold of label "bad"' eval --model tuned

# ---- A tuned run without its thresholds is refused
rm tuned/thresholds.json
refuse 3 'tuned/thresholds.json: no such file, but the run tuned thresholds (tuned/run.json)' eval --model tuned

# ---- Refusals
refuse 2 "--tune-thresholds: sst2 is not a multi-label task" \
    finetune --task sst2 --model "$SAMPLE/model" --data "$SAMPLE" --out x --tune-thresholds
custom() {
    code=$1 message=$2
    shift 2
    run "$code" finetune --task custom --kind multilabel --model "$SAMPLE/model" --out x "$@"
    contains "$scratch/err" "bertc: $message"
    [ ! -e x ] || fail "a refused run left a folder"
}
custom 2 "--label-smoothing: task custom is multi-label, its loss has no label smoothing" \
    --train sets.tsv --label-separator ';' --label-smoothing 0.1
custom 2 "--class-weights: 2 weights, task custom has 4 labels: bad, film, good, story" \
    --train sets.tsv --label-separator ';' --class-weights 1,2
printf 'text\tlabels\na\tfilm\nb\tfilm;sad\n' >dev.tsv
custom 3 'dev.tsv:3: label "sad" is not one of bad, film, good, story' --train sets.tsv --dev dev.tsv --label-separator ';'
printf 'text\tlabels\na\t\nb\t\n' >none.tsv
custom 3 "none.tsv: no row has a label" --train none.tsv --label-separator ';'

# ---- Descriptions of sets that cannot be meant
run 2 finetune --task custom --train flags.tsv --label-columns film,Film --model "$SAMPLE/model" --out never
grep -q 'custom: label_columns has "[Ff]ilm" twice' "$scratch/err" || fail "a label column twice: $(cat "$scratch/err")"
run 2 finetune --task custom --train sets.tsv --label-separator ';' --dev-share 0 --tune-thresholds --model "$SAMPLE/model" --out never
grep -q -- '--tune-thresholds needs a dev split, which task custom does not have' "$scratch/err" || fail "tuning without a dev split"
awk 'BEGIN { for (i = 0; i < 8; i++) printf "{\"text\": \"t %d\", \"label\": [%d, %d, %d]}\n", i, i % 2, int(i / 2) % 2, int(i / 4) % 2 }' >hot.jsonl
run 3 finetune --task custom --train hot.jsonl --model "$SAMPLE/model" --out never
grep -q 'hot.jsonl: every set has 3 members, all of them 0 or 1' "$scratch/err" || fail "lists of 0 and 1: $(cat "$scratch/err")"

# ---- The ending of --out gives the format
echo 'film good' >line
input=line
run 0 predict --model plain --out p.jsonl
grep -q '^{"row":0,"prediction":\[' p.jsonl || fail "p.jsonl is not JSON lines: $(cat p.jsonl)"
input=/dev/null
finish
