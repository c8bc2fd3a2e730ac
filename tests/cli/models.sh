# Invalid models: heads of other kinds, paths that are not model folders, weights in other formats.
. "$(dirname "$0")/lib.sh"

mkdir -p data/SST-2
for split in train dev test; do head -n 9 "$SAMPLE/SST-2/$split.tsv" >data/SST-2/$split.tsv; done
echo "a fine film" >"$scratch/lines"

# says TEXT: expect a complete line of standard error.
says() {
    checks=$((checks + 1))
    grep -qxF -e "$1" "$scratch/err" || fail "not said: $1, but $(cat "$scratch/err")"
}

# ---- A head that bertc does not support stops only the commands that use it

# headed MEMBER...: make `bad`, a model whose config.json describes its head by these members only.
headed() {
    rm -rf bad
    cp -r "$SAMPLE/model" bad
    {
        echo '{'
        printf '  %s,\n' "$@"
        sed -e 1d -e '/"architectures"/,/]/d' -e '/"id2label"/,/}/d' -e '/"label2id"/,/}/d' -e '/"problem_type"/d' \
            "$SAMPLE/model/config.json"
    } >bad/config.json
}
tune() {
    run 0 finetune --task sst2 --data data --model bad --out out --batch-size 8 --max-steps 1 --threads 1 "$@"
}

# useless REASON MEMBER...: expect every command to accept the encoder and none to use the head.
useless() {
    reason="bad/config.json: $1"
    shift
    headed "$@"
    refuse 3 "$reason" eval --task sst2 --model bad --data data
    refuse 3 "$reason" predict --task sst2 --model bad --data data --out out.tsv
    input=$scratch/lines
    run 0 embed --model bad
    run 0 tokenize --model bad
    input=/dev/null
    run 0 inspect bad
    contains "$scratch/out" "head     not used: $reason"
    run 0 truncate --model bad --keep-layers 1 --out small
    run 0 plan --task sst2 --model bad --data data
    tune
    says "bad/model.safetensors: head replaced: $reason"
    grep -q '"problem_type": "single_label_classification"' out/config.json || fail "problem_type of a new head"
    grep -q '"1": "positive"' out/config.json || fail "labels of a new head"
    rm -r small out
}
useless '"problem_type" is "ranking", expected "single_label_classification", "multi_label_classification" or "regression"' \
    '"problem_type": "ranking"' '"id2label": {"0": "a", "1": "b"}'
useless '"problem_type" is "regression" with 2 labels' '"problem_type": "regression"'
useless 'label 1 in "id2label" has no name' '"id2label": {"0": "a", "1": null}'
useless '"id2label" has key "2", expected 0 to 1' '"id2label": {"1": "a", "2": "b"}' '"num_labels": 2'
useless '"label2id" contradicts "id2label" on "a"' '"id2label": {"0": "a", "1": "b"}' '"label2id": {"a": "1", "b": "0"}'
useless '"num_labels" is not a whole number from 1 to 1048576' '"num_labels": 0'
useless '"architectures" is BertForTokenClassification, whose head does not classify sentences' \
    '"architectures": ["BertForTokenClassification"]' '"id2label": {"0": "O", "1": "B-PER"}'

# A head of another kind is not used for the task, and a new head replaces it.
headed '"problem_type": "multi_label_classification"' '"id2label": {"0": "negative", "1": "positive"}'
refuse 3 "bad: the model's problem_type is multi_label_classification, task sst2 is not multi-label" \
    eval --task sst2 --model bad --data data
run 0 inspect bad
contains "$scratch/out" "problem  multi_label_classification"
tune
says "bad/model.safetensors: head replaced: it has labels negative, positive (multi-label), not labels negative, positive"
rm -r out

# Labels that transformers accepts are accepted.
headed '"id2label": {"0": 0, "1": 1}' '"label2id": {"0": "0", "1": "1"}' '"num_labels": 2'
run 0 eval --task sst2 --model bad --data data
headed '"id2label": {"0": "negative", "1": "positive"}' '"label2id": {"negative": null}' '"num_labels": 5'
run 0 eval --task sst2 --model bad --data data
tune
says "bad/model.safetensors: head kept: it has labels negative, positive"
rm -r out

# An invalid dropout that only training would use.
headed '"num_labels": 2'
sed -i 's/"hidden_dropout_prob": 0.1/"hidden_dropout_prob": 1.0/' bad/config.json
run 0 eval --task sst2 --model bad --data data
refuse 3 'bad/config.json: "hidden_dropout_prob" is 1, expected a number from 0 to 0.999999' finetune --task sst2 \
    --data data --model bad --out out
tune --dropout 0.1
rm -r out bad

# ---- Paths that are not model folders

# nowhere PATH MESSAGE: expect the message from every command that takes a model; MISSING stands for the wanted file.
nowhere() {
    for command in "finetune --task sst2 --data data --out out" "plan --task sst2 --data data" "eval --task sst2 --data data" \
        "predict --task sst2 --data data" embed tokenize "truncate --keep-layers 1 --out out"; do
        case $command in tokenize) missing=vocab.txt ;; *) missing=config.json ;; esac
        refuse 3 "$(echo "$2" | sed "s/MISSING/$missing/")" $command --model "$1"
    done
    [ -f "$1" ] || refuse 3 "$(echo "$2" | sed "s/MISSING/model.safetensors/")" inspect "$1"
}
hash=86b5e0934494bd15c9632b12f734a8a67f723594
cache=cache/models--google-bert--bert-base-uncased
mkdir -p $cache/refs $cache/snapshots/$hash $cache/snapshots/older cache/.locks tf empty
cp "$SAMPLE"/model/* $cache/snapshots/$hash
cp "$SAMPLE"/model/* $cache/snapshots/older
printf %s $hash >$cache/refs/main
echo '{}' >tf/bert_config.json
: >tf/bert_model.ckpt.index
ln -s gone link

nowhere bert-base-uncased "$(hub bert-base-uncased)"
nowhere google-bert/bert-base-uncased "$(hub google-bert/bert-base-uncased)"
nowhere google-bert/bert-base-uncased/ "$(hub google-bert/bert-base-uncased/)"
nowhere https://huggingface.co/google-bert/bert-base-uncased "$(hub https://huggingface.co/google-bert/bert-base-uncased)"
nowhere ./no/such "./no/such: no such folder; $folder"
nowhere link 'link: a link to "gone", which does not exist'
nowhere cache "cache: has no MISSING; the model is in $cache/snapshots/$hash"
nowhere $cache "$cache: has no MISSING; the model is in $cache/snapshots/$hash"
nowhere $cache/ "$cache/: has no MISSING; the model is in $cache/snapshots/$hash"
nowhere tf "tf/MISSING: no such file; the folder holds a model of TensorFlow 1 (bert_config.json), which bertc does not read: save the model as one safetensors file"
nowhere empty "empty/MISSING: no such file; $folder"
nowhere "$SAMPLE/model/model.safetensors" "$SAMPLE/model/model.safetensors: not a folder; give the folder that contains the model's files, $SAMPLE/model"
cp -r $cache cache/models--other
nowhere cache "cache: has no MISSING, but 2 folders below it do; give one of them, such as $cache/snapshots/$hash"
run 0 tokenize --model $cache/snapshots/$hash
mkdir home
mv cache home/hub
rm -r home/hub/models--other home/hub/models--google-bert--bert-base-uncased/snapshots/older
rm -r home/hub/models--google-bert--bert-base-uncased/refs
nowhere home "home: has no MISSING; the model is in home/hub/models--google-bert--bert-base-uncased/snapshots/$hash"

# ---- Weights in another format
cp -r "$SAMPLE/model" bad
sed -e 's/LABEL_0/negative/' -e 's/LABEL_1/positive/' "$SAMPLE/model/config.json" >bad/config.json
input=$scratch/lines
for command in "finetune --task sst2 --data data --out out" "eval --task sst2 --data data" embed "plan --task sst2 --data data" \
    "truncate --keep-layers 1 --out out"; do
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >bad/model.safetensors
    refuse 3 "bad/model.safetensors: a Git LFS pointer ('git lfs pull' fetches the file itself), not a safetensors file" \
        $command --model bad
done
printf 'PK\003\004\000\000\010\010\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\030\000\000\000pytorch_model/data.pkl' \
    >bad/pytorch_model.bin
refuse 3 "bad/pytorch_model.bin: weights of PyTorch (zip), not a safetensors file" inspect bad/pytorch_model.bin
printf '<!doctype html>\n<html>' >bad/model.safetensors
refuse 3 "bad/model.safetensors: a web page (HTML) that begins with \"<!doctype html>\", not a safetensors file" inspect bad
cp "$SAMPLE/model/model.safetensors" bad
for part in config.json vocab.txt; do
    [ $part = vocab.txt ] && wanted="a list of words" || wanted=JSON
    cp bad/$part kept
    printf '<!DOCTYPE html>\n<html>' >bad/$part
    refuse 3 "bad/$part: a web page (HTML) that begins with \"<!DOCTYPE html>\", not $wanted" embed --model bad
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >bad/$part
    refuse 3 "bad/$part: a Git LFS pointer ('git lfs pull' fetches the file itself), not $wanted" embed --model bad
    mv kept bad/$part
done

# ---- A maximum length too small for any text is an error of the model
sed 's/"model_max_length": *[0-9]*/"model_max_length": 2/' "$SAMPLE/model/tokenizer_config.json" >bad/tokenizer_config.json
grep -q '"model_max_length": 2' bad/tokenizer_config.json || fail "no model_max_length to change"
refuse 3 "bad: its model_max_length is 2, a text needs at least 3 tokens" embed --model bad
cp "$SAMPLE/model/tokenizer_config.json" bad

# ---- An unreadable tokenizer is not copied
: >bad/vocab.txt
refuse 3 "bad/vocab.txt: the vocabulary is empty" truncate --model bad --keep-layers 1 --out out
rm bad/vocab.txt
run 3 truncate --model bad --keep-layers 1 --out out

finish
