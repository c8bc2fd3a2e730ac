# Training from another task: an earlier run as --model, stages of glue.sh, several tasks on one encoder.
. "$(dirname "$0")/lib.sh"

tune() { run 0 finetune --data "$SAMPLE" --batch-size 8 --max-steps 4 --limit-eval 40 --lr 5e-4 --threads 1 "$@"; }
says() {
    checks=$((checks + 1))
    grep -qxF "$1" "$scratch/err" || fail "not said: $1, but $(cat "$scratch/err")"
}

# ---- The head of an earlier run
tune --task mnli --model "$SAMPLE/model" --out mnli
says "$SAMPLE/model/model.safetensors: head replaced: it has 2 unnamed labels, not labels entailment, neutral, contradiction"
tune --task mnli --model mnli --out again
says "mnli/model.safetensors: head kept: it has labels entailment, neutral, contradiction"
tune --task rte --model mnli --out rte
says "mnli/model.safetensors: head replaced: it has labels entailment, neutral, contradiction, not labels entailment, not_entailment"
tune --task qnli --model rte --out qnli
says "rte/model.safetensors: head kept: it has labels entailment, not_entailment"
tune --task stsb --model rte --out stsb
says "rte/model.safetensors: head replaced: it has labels entailment, not_entailment, not one value"
rm -r mnli again rte qnli stsb

# ---- Stages: rte starts from mnli's run in any order of the list, and a second call has nothing to do
glue() { BERTC=$BERTC sh "$here/../../scripts/glue.sh" "$SAMPLE/model" "$SAMPLE" "$@" >"$scratch/out" 2>"$scratch/err"; }
refuse_glue() {
    checks=$((checks + 1))
    message=$1
    shift
    glue "$@" && fail "glue.sh takes $*"
    [ "$(head -n 1 "$scratch/err")" = "glue.sh: $message" ] || fail "glue.sh $*: $(head -n 1 "$scratch/err")"
    [ ! -e none ] || fail "glue.sh leaves a folder after $*"
}
set -- --tasks "rte mnli" --stages mnli:rte -- --max-steps 2 --limit-train 16 --threads 1
glue stages "$@" || fail "glue.sh: $(cat "$scratch/err")"
grep -q '"model":"stages/mnli/lr-2e-5/seed-42"' stages/rte/lr-2e-5/seed-42/run.json || fail "rte does not begin with mnli's run"
says "stages/mnli/lr-2e-5/seed-42/model.safetensors: head replaced: it has labels entailment, neutral, contradiction, not labels entailment, not_entailment"
before=$(cksum stages/*/*/*/model.safetensors)
glue stages "$@" || fail "glue.sh: $(cat "$scratch/err")"
[ "$before" = "$(cksum stages/*/*/*/model.safetensors)" ] || fail "glue.sh made its runs again"
# A deleted stage is run again; the stages before it are not.
rm -r stages/rte/lr-2e-5/seed-42
glue stages "$@" || fail "glue.sh: $(cat "$scratch/err")"
[ "$before" = "$(cksum stages/*/*/*/model.safetensors)" ] || fail "a stage that is made again is another"
refuse_glue "--stages: mnli is not one of the tasks to run: rte" none --tasks rte --stages mnli:rte
refuse_glue "--stages: rte starts from itself" none --tasks "rte mnli" --stages "mnli:rte rte:mnli"
refuse_glue "--stages: rte starts from more than one task: mnli cola" none --tasks "rte mnli cola" --stages "mnli:rte cola:rte"
refuse_glue "--stages: 'mnli' is not TASK:TASK,..." none --tasks mnli --stages mnli
rm -r stages

# ---- Several tasks: a line and a folder for each
tune --task sst2,cola,stsb --model "$SAMPLE/model" --out each --task-sampling uniform --max-length 24
cp "$scratch/out" printed
says "$SAMPLE/model/model.safetensors: head kept for sst2: it has 2 unnamed labels"
[ "$(sed 's/.*"task":"\([^"]*\)".*/\1/' printed | tr '\n' ,)" = "sst2,cola,stsb," ] || fail "$(cat printed)"
grep -q ', sst2 dev accuracy [0-9.]*, cola dev matthews [-0-9.]*, stsb dev pearson [-0-9.]*, models in each$' "$scratch/err" ||
    fail "$(cat "$scratch/err")"
[ "$(tr -d '[]' <each/eval.json | sed 's/,$//')" = "$(cat printed)" ] || fail "eval.json: $(cat each/eval.json)"
[ "$(grep -c '^{"step":[0-9]*,"task":"[a-z0-9]*","epoch":' each/log.jsonl)" = 4 ] || fail "$(cat each/log.jsonl)"
refuse 3 "each: holds a model for each of several tasks; the model of cola is each/cola" eval --task cola --model each --data "$SAMPLE"
line=0
for task in sst2 cola stsb; do
    line=$((line + 1))
    [ "$(sed -n ${line}p printed)" = "$(cat each/$task/eval.json)" ] || fail "each/$task/eval.json is not what was printed"
    run 0 eval --task $task --model each/$task --data "$SAMPLE" --limit 40 --json
    [ "$(sed 's/\(0\.[0-9]\{5\}\)[0-9]*/\1/g; s/"loss":[^,]*,//' each/$task/eval.json)" = \
        "$(sed 's/\(0\.[0-9]\{5\}\)[0-9]*/\1/g; s/"loss":[^,]*,//' "$scratch/out")" ] ||
        fail "$task: $(cat each/$task/eval.json "$scratch/out")"
    grep -q "\"$task/model.safetensors\":{\"bytes\":" each/run.json || fail "run.json says nothing of $task"
done
tune --task sst2,cola,stsb --model "$SAMPLE/model" --out each --task-sampling uniform --max-length 24 --resume
cmp printed "$scratch/out" || fail "a finished run says other scores"
run 0 plan --task sst2,cola --model "$SAMPLE/model" --data "$SAMPLE" --json --limit-train 16 --batch-size 8 --epochs 2
grep -q '"steps":8,' "$scratch/out" || fail "$(cat "$scratch/out")"

# ---- The contents of an adapter
tune --task rte --model "$SAMPLE/model" --out adapter --lora-rank 2 --lora-save adapter
run 0 inspect adapter
grep -q ' base_model.model.*query.lora_A.weight$' "$scratch/out" || fail "$(cat "$scratch/out")"

# ---- Refusals
set -- finetune --model "$SAMPLE/model" --data "$SAMPLE" --out none --task
refuse 2 "--task: sst2 is listed twice" "$@" sst2,sst2
refuse 2 "unknown task 'sst3', did you mean 'sst2'?" "$@" cola,sst3
refuse 2 "unknown task '', see 'bertc tasks'" "$@" cola,
refuse 2 "task ax has no training data" "$@" mnli,ax
refuse 2 "--task: mnli-mm is trained on the data of mnli; list only one of them" "$@" mnli,mnli-mm
refuse 2 "--task-sampling has no effect with one task, sst2" "$@" sst2 --task-sampling annealed
refuse 2 "--class-weights: with several tasks only balanced or none is allowed" "$@" sst2,cola --class-weights 1,2
refuse 2 "--label-smoothing: task stsb is a regression, it has no classes" "$@" sst2,stsb --label-smoothing 0.1
refuse 2 "--eval-splits: task mnli-mm has other labels than sst2" "$@" mnli,sst2 --eval-splits dev,mnli-mm
finish
