# bertc plan: what it prints, and that finetune keeps to it. Refusals of runs that do not fit.
. "$(dirname "$0")/lib.sh"

options="--task sst2 --model $SAMPLE/model --data $SAMPLE --threads 1"

# ---- The table
before=$(listing)
run 0 plan $options --epochs 2
[ "$before" = "$(listing)" ] || fail "plan leaves files behind"
[ "$(awk '{ print $1 }' "$scratch/out" | tr '\n' ' ')" = \
    "weights gradients moments bf16_copies workspace data frozen_outputs vocabulary program peak steps step total " ] ||
    fail "table of plan: $(cat "$scratch/out")"
grep -q '^step time  *[0-9.]* s, from 2 that were run$' "$scratch/out" || fail "no step time"

# ---- The object: the parts are the whole, and the steps are those of the run
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

# ---- Bad input is that of finetune
refuse 3 "no/config.json: cannot open: No such file or directory" plan --task sst2 --model no --data no
refuse 2 "--max-length 129 is more than the model's max_position_embeddings 128" plan $options \
    --max-length 129

# ---- A limit on the address space. A program with sanitizers cannot live under one.
if (ulimit -v 800000 && "$BERTC" version) >/dev/null 2>&1; then
    ulimit -v 800000
    large="--batch-size 4096 --micro-batch-tokens 16777216"
    run 0 plan $options $large --json
    case $(cat "$scratch/out") in
    *'"limit":"ulimit -v","fits":false,"advice":"--micro-batch-tokens '[0-9]*'","steps":3,'*'"measured_steps":0,"step_seconds":null,"seconds":null}') ;;
    *) fail "plan of what does not fit: $(cat "$scratch/out")" ;;
    esac
    advice=$(field advice | tr -d '"')
    run 0 plan $options $large
    grep -qxF "does not fit; it fits with $advice" "$scratch/out" || fail "table of what does not fit"
    run 5 finetune $options $large --out out
    grep -qx "bertc: out of memory: the run needs [0-9]* MB, [0-9]* MB are available (ulimit -v); it fits with $advice" \
        "$scratch/err" || fail "refusal: $(cat "$scratch/err")"
    [ "$(wc -l <"$scratch/err")" = 1 ] || fail "not one line"
    run 0 finetune $options $large --out out --max-steps 1 --limit-eval 8 $advice
fi
finish
