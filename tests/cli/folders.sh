# Run folders and foreign files: no command follows a link out of a run folder, waits for a pipe in it, treats a folder
# without a journal as a run's, or reads the model of an unfinished run.
. "$(dirname "$0")/lib.sh"

options="--task sst2 --model $SAMPLE/model --data $SAMPLE --batch-size 8 --max-steps 30 --limit-eval 16 --lr 5e-4
    --threads 1"
several="--task sst2,cola --model $SAMPLE/model --data $SAMPLE --batch-size 8 --max-steps 30 --limit-eval 16 --threads 1"

# unfinished OUT OPTION...: make a run with a checkpoint that was killed after its log had begun.
unfinished() {
    out=$1
    shift
    "$BERTC" finetune "$@" --save-every 2 --out "$out" >/dev/null 2>&1 &
    pid=$!
    while [ -z "$(ls "$out"/checkpoint/step-* 2>/dev/null)" ] && kill -0 $pid 2>/dev/null; do :; done
    kill -9 $pid
    wait $pid 2>/dev/null
    [ -f "$out/run.json" ] && fail "the run in $out was too fast to be killed"
}

run 0 finetune $options --out whole
ln -s gone lost
refuse 3 'lost: a link to "gone", which does not exist' finetune $options --out lost
rm lost

# ---- Models of unfinished runs
unfinished half $options
cp whole/config.json whole/model.safetensors whole/vocab.txt whole/tokenizer_config.json half
unfinished tasks $several
mkdir tasks/sst2
cp whole/config.json whole/model.safetensors whole/vocab.txt whole/tokenizer_config.json tasks/sst2
unfinished adapter $options --lora-rank 2 --lora-save adapter
cp -r "$SAMPLE/model" base
cp -r half/checkpoint base
printf 'a fine film\n' >lines
input=lines
for dir in half tasks/sst2 tasks adapter base half/; do
    what="run"
    [ $dir = tasks/sst2 ] && what="task of a run"
    reason="the model of an unfinished $what; finish the run first"
    data="--task sst2 --data $SAMPLE"
    refuse 3 "$dir: $reason (finetune --resume)" eval $data --model $dir
    refuse 3 "$dir: $reason (finetune --resume)" predict --task sst2 --model $dir
    refuse 3 "$dir: $reason (finetune --resume)" embed --model $dir
    refuse 3 "$dir: $reason (finetune --resume)" plan $data --model $dir
    refuse 3 "$dir: $reason (finetune --resume)" tokenize --model $dir
    refuse 3 "$dir: $reason (finetune --resume)" truncate --model $dir --keep-layers 1 --out cut
    refuse 3 "$dir: $reason (finetune --resume)" finetune $data --model $dir --out next
    run 3 inspect $dir
    grep -qx "bertc: $dir: $reason" "$scratch/err" || fail "inspect $dir: $(cat "$scratch/err")"
done
# A damaged journal still marks a run; a file named checkpoint, as TensorFlow writes, does not.
cp -r "$SAMPLE/model" marked
mkdir marked/checkpoint
for mark in 'tee checkpoint/journal.jsonl' 'mkfifo checkpoint/journal.jsonl' 'ln -s gone checkpoint/journal.jsonl'; do
    rm -f marked/checkpoint/journal.jsonl
    printf '{"f' | (cd marked && $mark >/dev/null)
    refuse 3 "marked: the model of an unfinished run; finish the run first (finetune --resume)" embed --model marked
done
rm -r marked/checkpoint
printf 'model_checkpoint_path: "model.ckpt"\n' >marked/checkpoint
run 0 embed --model marked
run 3 inspect half
grep -q classifier.bias "$scratch/out" || fail "inspect does not show an unfinished run's tensors"
input=/dev/null

# Runs continue after the foreign files are gone.
run 2 finetune $options --lr 1e-1 --out half --resume
grep -qx 'bertc: half: --lr was 0.0005 in this run and is 0.1 now' "$scratch/err" || fail "$(cat "$scratch/err")"
run 2 finetune $options --out half --resume
grep -q '^bertc: half/config.json: in the way of the result, this run did not write it; move it elsewhere$' \
    "$scratch/err" || fail "a model beside an unfinished run: $(cat "$scratch/err")"
rm half/config.json half/model.safetensors half/vocab.txt half/tokenizer_config.json
run 0 finetune $options --save-every 2 --out half --resume
cmp whole/model.safetensors half/model.safetensors || fail "another model after kill -9"
[ ! -e half/checkpoint ] || fail "checkpoints of a finished run"

# ---- Folders without a journal
mkdir -p theirs/checkpoint
cp whole/config.json whole/model.safetensors whole/log.jsonl theirs
for resume in "" --resume; do
    run 2 finetune $options --out theirs $resume
    grep -q 'which is not part of a run; choose another --out$' "$scratch/err" || fail "$(cat "$scratch/err")"
done

# ---- Links and pipes
mkdir elsewhere
printf '1\n' >elsewhere/lock
for name in checkpoint log.jsonl run.json checkpoint/lock; do
    for kind in link pipe; do
        rm -rf new
        mkdir new
        [ $name = checkpoint/lock ] && mkdir new/checkpoint
        if [ $kind = pipe ]; then mkfifo new/$name
        elif [ $name = checkpoint ]; then ln -s "$PWD/elsewhere" new/checkpoint
        else ln -s "$PWD/elsewhere/lock" new/$name; fi
        for resume in "" --resume; do
            refuse 2 "new: holds \"$name\", which is not part of a run; choose another --out" \
                finetune $options --out new $resume
        done
    done
done
[ "$(ls elsewhere)" = lock ] && [ "$(cat elsewhere/lock)" = 1 ] || fail "a link out of --out was followed"

# The folder of a task.
rm -r tasks/sst2
ln -s ../elsewhere tasks/sst2
run 2 finetune $several --out tasks --resume
grep -q '^bertc: tasks/sst2: in the way of the result, this run did not write it; move it elsewhere$' "$scratch/err" ||
    fail "a link by a task's name: $(cat "$scratch/err")"
rm tasks/sst2
run 0 finetune $several --out tasks --resume
[ -s tasks/sst2/model.safetensors ] && [ ! -e tasks/checkpoint ] || fail "tasks: $(ls tasks)"
[ "$(ls elsewhere)" = lock ] || fail "a link by a task's name was followed"

# Files in --cache-dir, by their names.
frozen="$options --freeze all --cache-dir cache"
run 0 finetune $frozen --out cached
for file in cache/*.cache; do
    for kind in link dangling pipe; do
        for suffix in "" .tmp; do
            rm -rf other
            cp -r cache other
            rm "other/${file#cache/}"
            case $kind in
            link) ln -s "$PWD/elsewhere/lock" "other/${file#cache/}$suffix" ;;
            dangling) ln -s "$PWD/elsewhere/nothing" "other/${file#cache/}$suffix" ;;
            pipe) mkfifo "other/${file#cache/}$suffix" ;;
            esac
            expected=$([ -z $suffix ] && echo 3 || echo 4)
            run "$expected" finetune $frozen --cache-dir other --out refused
            [ "$(wc -l <"$scratch/out")" = 0 ] || fail "a result with a $kind as $file$suffix"
        done
    done
done
[ "$(ls elsewhere)" = lock ] && [ "$(cat elsewhere/lock)" = 1 ] || fail "a link out of --cache-dir was followed"
finish
