# Bad input: before any step, one line that gives file, place and reason, the exit code, and no files left (lib.sh
# compares the files around every run that fails).
. "$(dirname "$0")/lib.sh"

mkdir -p data/SST-2
for split in train dev test; do head -n 30 "$SAMPLE/SST-2/$split.tsv" >data/SST-2/$split.tsv; done
cp -r "$SAMPLE/model" model

words=$(wc -l <model/vocab.txt)

# broken FOLDER: make `bad`, a copy for the next lines to damage.
broken() {
    rm -rf bad
    cp -r "$1" bad
}
finetune() {
    code=$1 message=$2
    shift 2
    refuse "$code" "$message" finetune --task sst2 --out out --epochs 1 "$@"
}
model() {
    finetune 3 "$1" --model bad --data data
}
data() {
    finetune 3 "$1" --model model --data bad
}

# ---- Missing files
finetune 3 "$(hub no)" --model no --data data
finetune 3 "no: cannot open folder: No such file or directory" --model model --data no
broken model; rm bad/model.safetensors
model "bad/model.safetensors: no such file; $folder"
broken model; rm bad/vocab.txt
model "bad/vocab.txt: no such file; $folder"
broken data; rm bad/SST-2/dev.tsv
data "bad: there is neither SST-2/dev.tsv nor dev.tsv, nor sst2/validation.csv (or .tsv, .jsonl, .json)"

# ---- Unreadable files, which are not treated as absent: their contents would change the result
# unreadable FOLDER NAME WHAT COMMAND...: replace the file by a dangling link, a link to itself, a folder, a pipe.
unreadable() {
    from=$1 name=$2
    shift 2
    broken "$from"; rm -f "bad/$name"; ln -s nowhere "bad/$name"
    refuse 3 "bad/$name: a link to \"nowhere\", which does not exist" "$@"
    broken "$from"; rm -f "bad/$name"; ln -s "${name##*/}" "bad/$name"
    refuse 4 "bad/$name: cannot open: Too many levels of symbolic links" "$@"
    broken "$from"; rm -f "bad/$name"; mkdir "bad/$name"
    refuse 3 "bad/$name: not a regular file" "$@"
    broken "$from"; rm -f "bad/$name"; mkfifo "bad/$name"
    refuse 3 "bad/$name: not a regular file" "$@"
}
for name in tokenizer_config.json special_tokens_map.json added_tokens.json tokenizer.json vocab.txt; do
    unreadable model $name tokenize --model bad
    unreadable model $name truncate --model bad --keep-layers 1 --out out
    unreadable model $name finetune --task sst2 --out out --model bad --data data
done
for name in model.safetensors adapter_config.json; do
    unreadable model $name finetune --task sst2 --out out --model bad --data data
    unreadable model $name inspect bad
    unreadable model $name truncate --model bad --keep-layers 1 --out out
done
unreadable "$RUN" run.json eval --task sst2 --model bad --data data
unreadable "$RUN" tokenizer_config.json predict --task sst2 --model bad --data data --out out
unreadable data SST-2/train.tsv finetune --task sst2 --out out --model model --data bad
unreadable data SST-2/dev.tsv eval --task sst2 --model "$RUN" --data bad

# ---- Files that are far too long: refused before they are read
long_line() {
    head -c 67108865 /dev/zero | tr '\0' a
}
broken model; truncate -s 67108865 bad/config.json
model "bad/config.json: 67108865 bytes, a JSON settings file may have at most 67108864"
broken model; truncate -s 268435457 bad/vocab.txt
model "bad/vocab.txt: 268435457 bytes, a vocabulary or list may have at most 268435456"
broken data; { head -n 2 data/SST-2/train.tsv; long_line; } >bad/SST-2/train.tsv
data "bad/SST-2/train.tsv:3: a line of more than 67108864 bytes"
rm -r bad
input=$scratch/long
long_line >"$input"
refuse 3 "standard input:1: a line of more than 67108864 bytes" tokenize --model model
{ echo "a film"; long_line; } >"$input"
run 3 predict --task sst2 --model "$RUN" # line 1 is answered before line 2 is read
[ "$(wc -l <"$scratch/out")" = 1 ] || fail "the answers before a long line: $(cat "$scratch/out")"
[ "$(tail -n 1 "$scratch/err")" = "bertc: standard input:2: a line of more than 67108864 bytes" ] || fail "$(cat "$scratch/err")"
refuse 3 "standard input:2: a line of more than 67108864 bytes" embed --model "$RUN"
input=/dev/null

# ---- Features that the model lacks
finetune 2 "--freeze 3: the model has 2 layers" --model model --data data --freeze 3
finetune 2 "--freeze 99999999999999999999: the model has 2 layers" --model model --data data \
    --freeze 99999999999999999999
finetune 2 "--freeze: 'pooler' is not none, embeddings, all or a number of layers" --model model \
    --data data --freeze pooler
finetune 2 "--freeze: '-1' is not none, embeddings, all or a number of layers" --model model \
    --data data --freeze -1
finetune 2 "--reinit-layers 3: the trained model has 2 layers" --model model --data data --reinit-layers 3
finetune 2 "--reinit-layers 1: some of these layers are frozen by --freeze 2" --model model --data data \
    --reinit-layers 1 --freeze 2
finetune 2 "--lora-targets: 'dense' is not query, key, value, attention.output.dense, intermediate.dense, output.dense or all" \
    --model model --data data --lora-rank 4 --lora-targets dense
finetune 2 "--lora-rank and --train-only exclude each other: with adapters the encoder itself is not trained" \
    --model model --data data --lora-rank 4 --train-only bias
finetune 2 "--lora-save has no effect without --lora-rank" --model model --data data --lora-save adapter
finetune 2 "--lora-rank: --freeze all leaves no layer to adapt" --model model --data data --lora-rank 4 --freeze all
finetune 2 "--train-only has no effect with --freeze all" --model model --data data \
    --train-only bias --freeze all
finetune 2 "--layer-lr-decay has no effect with --freeze all" --model model --data data \
    --layer-lr-decay 0.9 --freeze all
finetune 2 "--gradient-checkpointing has no effect with --freeze all" --model model --data data \
    --gradient-checkpointing 1 --freeze all
finetune 2 "--head-lr needs an --lr above 0; to train only the head use --freeze all" --model model --data data \
    --lr 0 --head-lr 1e-3

# ---- Features that the backend lacks
bf16="--precision bf16: backend openblas has no bf16 products"
finetune 2 "$bf16" --model model --data data --backend openblas --precision bf16
refuse 2 "$bf16" predict --task sst2 --model "$RUN" --data data --backend openblas --precision bf16
refuse 2 "$bf16" embed --model "$RUN" --task sst2 --data data --backend openblas --precision bf16
mkdir lib
: >lib/libopenblas.so.0
absent="$PWD/lib/libopenblas.so.0: file too short; choose another --backend"
LD_LIBRARY_PATH=$PWD/lib
export LD_LIBRARY_PATH
finetune 2 "$absent" --model model --data data --backend openblas
refuse 2 "$absent" predict --task sst2 --model "$RUN" --data data --backend openblas
unset LD_LIBRARY_PATH

# ---- The message for a very long path keeps its reason
long=$(printf '%01500d' 0)
"$BERTC" inspect "$long" 2>"$scratch/err"
grep -q '^bertc: 00*\.\.\.00*: cannot open: File name too long$' "$scratch/err" || fail "$(cat "$scratch/err")"
"$BERTC" predict --task sst2 --model "$RUN" --data data --out "$long" 2>"$scratch/err"
grep -q '^bertc: 00*\.\.\.00*: cannot create: File name too long$' "$scratch/err" || fail "$(cat "$scratch/err")"

# ---- Foreign and damaged models
broken model; echo 'not JSON' >bad/config.json
model "bad/config.json @0: value expected"
broken model; echo '[]' >bad/config.json
model "bad/config.json: not a JSON object"
broken model; sed -i 's/"model_type": *"bert"/"model_type": "gpt2"/' bad/config.json
model "bad/config.json: \"model_type\" is \"gpt2\", bertc supports only \"bert\""
broken model; sed -i 's/"hidden_size": *128/"hidden_size": 64/' bad/config.json
model "bad/model.safetensors: tensor \"bert.embeddings.word_embeddings.weight\" has shape ($words,128), config.json needs ($words,64)"
broken model; sed -i 's/"num_hidden_layers": *2/"num_hidden_layers": 3/' bad/config.json
model "bad/model.safetensors: tensor \"bert.encoder.layer.2.attention.self.query.weight\" is missing"
broken model; head -c 100000 model/model.safetensors >bad/model.safetensors
model "bad/model.safetensors: tensor \"bert.embeddings.word_embeddings.weight\": data_offsets point past the end of the file"
broken model; head -c 7 model/model.safetensors >bad/model.safetensors
model "bad/model.safetensors @0: 7 bytes, too short for safetensors"
broken model; : >bad/model.safetensors
model "bad/model.safetensors: empty, not a safetensors file"
broken model; echo 'a text, not tensors' >bad/model.safetensors
model "bad/model.safetensors: a text that begins with \"a text, not tensors\", not a safetensors file"

# ---- A vocabulary that does not match the model
broken model; echo extra >>bad/vocab.txt
model "bad/vocab.txt: $((words + 1)) words, the model's vocab_size is only $words"
broken model; : >bad/vocab.txt
model "bad/vocab.txt: the vocabulary is empty"
broken model; sed -i 's/^\[CLS\]$/cls/' bad/vocab.txt
model "bad/vocab.txt: the vocabulary lacks [CLS]"
refuse 3 "bad/vocab.txt: the vocabulary lacks [CLS]" tokenize --vocab bad/vocab.txt
refuse 3 "bad/vocab.txt: the vocabulary lacks [CLS]" tokenize --model bad

# ---- Data
broken data; sed -i '5s/\t.*//' bad/SST-2/train.tsv
data "bad/SST-2/train.tsv:5: 1 column, expected 2"
broken data; sed -i '7s/\t[01]$/\t7/' bad/SST-2/train.tsv
data "bad/SST-2/train.tsv:7: label \"7\" is not one of 0, 1"
broken data; sed -i '3s/\t[01]$/\tpositive/' bad/SST-2/dev.tsv
data "bad/SST-2/dev.tsv:3: label \"positive\" is not one of 0, 1"
broken data; : >bad/SST-2/train.tsv
data "bad/SST-2/train.tsv: empty file"
broken data; head -n 1 data/SST-2/train.tsv >bad/SST-2/train.tsv
data "bad/SST-2/train.tsv: no rows after the header"

# ---- Options that do not match the model
finetune 2 "--max-length 129 is more than the model's max_position_embeddings 128" --model model --data data --max-length 129
finetune 2 "--max-length: 2 is out of range, 3 to 1000000" --model model --data data --max-length 2

# ---- Unwritable output
: >file
refuse 4 "file: cannot be a folder, a file is in the way" finetune --task sst2 --model model --data data --out file
refuse 4 "file/run: cannot be a folder, a file is in the way" finetune --task sst2 --model model --data data --out file/run
refuse 4 "file/x: cannot create: Not a directory" predict --task sst2 --model "$RUN" --data data --out file/x
refuse 4 "data: cannot create: Is a directory" predict --task sst2 --model "$RUN" --data data --out data
refuse 4 "no/x: cannot create: No such file or directory" predict --task sst2 --model "$RUN" --data data \
    --out no/x
refuse 4 "file/x: cannot create: Not a directory" predict --task sst2 --model "$RUN" --data data \
    --out ok.tsv --logits file/x

# ---- predict writes both files or neither
for files in "--out p.tsv --logits /dev/full" "--out /dev/full --logits l.tsv"; do
    run 4 predict --task sst2 --model "$RUN" --data data $files
    contains "$scratch/err" "bertc: /dev/full: cannot write: No space left on device"
done
"$BERTC" predict --task sst2 --model "$RUN" --data data --logits l.tsv >/dev/full 2>"$scratch/err"
[ $? = 4 ] && [ ! -e l.tsv ] || fail "predict with a full standard output leaves its logits"

# ---- eval and predict
refuse 3 "data/SST-2/test.tsv: the test split has no labels to score; its header has no column \"label\", only \"index\", \"sentence\"" eval --task sst2 --model "$RUN" --data data --split test
refuse 3 "$RUN/config.json: the model's 2 labels (negative, positive) differ in number from the 3 labels of task mnli (entailment, neutral, contradiction)" eval --task mnli --model "$RUN" --data "$SAMPLE"
refuse 3 "$(hub no)" eval --task sst2 --model no --data data
refuse 3 "no: cannot open folder: No such file or directory" predict --task sst2 --model "$RUN" --data no --out p.tsv
refuse 3 "data: there is none of AX/diagnostic.tsv, diagnostic/diagnostic.tsv, diagnostic.tsv, AX/diagnostic-full.tsv, diagnostic/diagnostic-full.tsv, diagnostic-full.tsv, nor ax/test.csv (or .tsv, .jsonl, .json)" predict --task ax --model "$RUN" --data data --out p.tsv
echo 'one text only' >lines
input=lines
refuse 3 "standard input:1: 1 column, expected 2" predict --task mnli --model "$RUN"
input=/dev/null

# ---- inspect
refuse 3 "$(hub no)" inspect no
broken model; head -c 100000 model/model.safetensors >bad/model.safetensors
refuse 3 "bad/model.safetensors: tensor \"bert.embeddings.word_embeddings.weight\": data_offsets point past the end of the file" inspect bad
refuse 3 "bad/model.safetensors: tensor \"bert.embeddings.word_embeddings.weight\": data_offsets point past the end of the file" inspect bad/model.safetensors
refuse 3 "data/model.safetensors: no such file; $folder" inspect data
mkdir torch
: >torch/pytorch_model.bin
refuse 3 "torch/model.safetensors: no such file; the folder holds weights of PyTorch (pytorch_model.bin), which bertc does not read: save the model as one safetensors file" inspect torch
mv torch/pytorch_model.bin torch/model.safetensors.index.json
refuse 3 "torch/model.safetensors: no such file; the folder holds weights in several files (model.safetensors.index.json), which bertc does not read: save the model as one safetensors file" inspect torch
broken model; sed -i 's/"model_type"/"position_embedding_type": "relative_key", "model_type"/' bad/config.json
run 3 inspect bad
same "standard error" 'bertc: bad/config.json: "position_embedding_type" is "relative_key", bertc supports only "absolute"' "$scratch/err" inspect bad
contains "$scratch/out" "config   refused"
grep -q "^F32 .* not compared  bert.embeddings.word_embeddings.weight$" "$scratch/out" || fail "inspect of a refused model lists no tensors"
finish
