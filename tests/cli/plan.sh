# bertc plan: its output, that finetune stays within it, and refusals of runs that do not fit into memory.
. "$(dirname "$0")/lib.sh"

options="--task sst2 --model $SAMPLE/model --data $SAMPLE --threads 1"

# ---- The table
before=$(listing)
run 0 plan $options --epochs 2
[ "$before" = "$(listing)" ] || fail "plan leaves files behind"
[ "$(awk '{ print $1 }' "$scratch/out" | tr '\n' ' ')" = \
    "weights gradients moments bf16_copies workspace data frozen_outputs vocabulary program peak steps step total " ] ||
    fail "table of plan: $(cat "$scratch/out")"
grep -q '^step time  *[0-9.]* s, measured in 2 steps$' "$scratch/out" || fail "no step time"

# ---- JSON: the parts sum to the peak, and the steps are those of the run
field() { sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p" "$scratch/out"; }
run 0 plan $options --json --limit-train 40 --batch-size 8 --epochs 1
case $(cat "$scratch/out") in
'{"memory":{"weights":'*'},"peak":'*',"available":'*',"limit":"'*'","fits":true,"advice":"","steps":5,"tokens_per_step":'*',"measured_steps":2,"step_seconds":'*',"seconds":'*'}') ;;
*) fail "not the object that was agreed on: $(cat "$scratch/out")" ;;
esac
sum=0
for part in weights gradients moments bf16_copies workspace data frozen_outputs vocabulary program; do
    sum=$((sum + $(field $part)))
done
[ "$sum" = "$(field peak)" ] || fail "the parts are $sum, not $(field peak)"
workspace=$(field workspace)
run 0 plan $options --json --limit-train 40 --batch-size 8 --epochs 1 --gradient-checkpointing 1
[ "$(field workspace)" -lt "$workspace" ] || fail "checkpointing saves nothing"

# ---- Without --data, synthetic texts are used
run 0 plan --task sst2 --model $SAMPLE/model --threads 1
grep -qx "no --data: 67349 synthetic texts with the lengths of GLUE's sst2 are used" "$scratch/err" ||
    fail "nothing stands in: $(cat "$scratch/err")"
grep -q '^steps  *6315 of 4[0-9][0-9] tokens$' "$scratch/out" || fail "steps: $(cat "$scratch/out")"
run 0 plan --task cola,mrpc --model $SAMPLE/model --threads 1 --max-steps 5
grep -q '^steps  *5 of [0-9]* tokens$' "$scratch/out" || fail "steps of two: $(cat "$scratch/out")"
refuse 2 "--data is missing: the text lengths of rte's train split are not known" plan --task rte \
    --model $SAMPLE/model
long="--layers 1 --hidden 16 --heads 1 --max-positions 200"
run 0 init $long --vocab $SAMPLE/vocab.txt --out long
refuse 2 "--data is missing: a --max-length above 128 needs it" plan --task sst2 --model long \
    --max-length 129

# ---- Options about output do not affect a plan
for option in "--out run" --resume "--save-every 5"; do
    run 2 plan $options $option
    grep -q "^bertc: unknown option '${option%% *}'" "$scratch/err" || fail "$option: $(cat "$scratch/err")"
done

# ---- Bad input is refused as by finetune
refuse 3 "$(hub no)" plan --task sst2 --model no --data no
refuse 2 "--max-length 129 is more than the model's max_position_embeddings 128" plan $options \
    --max-length 129

# ---- A limit on the address space. Programs with sanitizers cannot run under it.
if (ulimit -v 800000 && "$BERTC" version) >/dev/null 2>&1; then
    ulimit -v 800000
    large="--batch-size 4096 --micro-batch-tokens 16777216"
    run 0 plan $options $large --json
    case $(cat "$scratch/out") in
    *'"limit":"ulimit -v, less 64 MB a thread and 160 MB for libraries","fits":false,"advice":"--micro-batch-tokens '[0-9]*'","steps":3,'*'"measured_steps":0,"step_seconds":null,"seconds":null}') ;;
    *) fail "plan of what does not fit: $(cat "$scratch/out")" ;;
    esac
    advice=$(field advice | tr -d '"')
    run 0 plan $options $large
    grep -qxF "does not fit; it fits with $advice" "$scratch/out" || fail "table of what does not fit"
    run 5 finetune $options $large --out out
    grep -qx "bertc: out of memory: the run needs [0-9]* MB, [0-9]* MB are available (ulimit -v, less 64 MB a thread and 160 MB for libraries); it fits with $advice" \
        "$scratch/err" || fail "refusal: $(cat "$scratch/err")"
    [ "$(wc -l <"$scratch/err")" = 1 ] || fail "not one line"
    run 0 finetune $options $large --out out --max-steps 1 --limit-eval 8 $advice
fi
finish
