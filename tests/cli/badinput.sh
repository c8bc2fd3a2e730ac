# Bad input: one line that names file, place and reason, the exit code, before any step, and nothing
# left behind (lib.sh compares the files around every run that fails).
. "$(dirname "$0")/lib.sh"

mkdir -p data/SST-2
for split in train dev test; do head -n 30 "$SAMPLE/SST-2/$split.tsv" >data/SST-2/$split.tsv; done
cp -r "$SAMPLE/model" model

# with FILE: what follows changes a copy of the folder `model` or `data` that holds FILE.
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

# ---- Files that are missing
finetune 3 "no/config.json: cannot open: No such file or directory" --model no --data data
finetune 3 "no: no such folder" --model model --data no
broken model; rm bad/model.safetensors
model "bad/model.safetensors: cannot open: No such file or directory"
broken model; rm bad/vocab.txt
model "bad/vocab.txt: cannot open: No such file or directory"
broken data; rm bad/SST-2/dev.tsv
data "bad/SST-2/dev.tsv: cannot open: No such file or directory"

# ---- Foreign and damaged models
broken model; echo 'not JSON' >bad/config.json
model "x"
broken model; echo '[]' >bad/config.json
model "x"
broken model; sed -i 's/"model_type": *"bert"/"model_type": "gpt2"/' bad/config.json
model "x"
broken model; sed -i 's/"hidden_size": *128/"hidden_size": 64/' bad/config.json
model "x"
broken model; sed -i 's/"num_hidden_layers": *2/"num_hidden_layers": 3/' bad/config.json
model "x"
broken model; head -c 100000 model/model.safetensors >bad/model.safetensors
model "x"
broken model; head -c 7 model/model.safetensors >bad/model.safetensors
model "x"
broken model; : >bad/model.safetensors
model "x"
broken model; echo 'a text, not tensors' >bad/model.safetensors
model "x"

# ---- A vocabulary that does not fit
broken model; echo extra >>bad/vocab.txt
model "x"
broken model; sed -i '$d' bad/vocab.txt
model "x"
broken model; : >bad/vocab.txt
model "x"
broken model; sed -i 's/^\[CLS\]$/cls/' bad/vocab.txt
model "x"

# ---- Data
broken data; sed -i '5s/\t.*//' bad/SST-2/train.tsv
data "x"
broken data; sed -i '7s/\t[01]$/\t7/' bad/SST-2/train.tsv
data "x"
broken data; sed -i '3s/\t[01]$/\tpositive/' bad/SST-2/dev.tsv
data "x"
broken data; : >bad/SST-2/train.tsv
data "x"
broken data; head -n 1 data/SST-2/train.tsv >bad/SST-2/train.tsv
data "x"

# ---- Options that do not fit the model
finetune 2 "x" --model model --data data --max-length 129
finetune 2 "x" --model model --data data --max-length 2

# ---- Output that cannot be written
: >file
refuse 4 "x" finetune --task sst2 --model model --data data --out file
refuse 4 "x" finetune --task sst2 --model model --data data --out file/run
refuse 4 "file/x: cannot create: Not a directory" predict --task sst2 --model "$RUN" --data data --out file/x
refuse 4 "data: cannot create: Is a directory" predict --task sst2 --model "$RUN" --data data --out data
refuse 4 "no/x: cannot create: No such file or directory" predict --task sst2 --model "$RUN" --data data \
    --out no/x
refuse 4 "file/x: cannot create: Not a directory" predict --task sst2 --model "$RUN" --data data \
    --out ok.tsv --logits file/x

# ---- eval and predict
refuse 3 "x" eval --task sst2 --model "$RUN" --data data --split test
refuse 3 "x" eval --task mnli --model "$RUN" --data "$SAMPLE"
refuse 3 "x" eval --task sst2 --model no --data data
refuse 3 "x" predict --task sst2 --model "$RUN" --data no --out p.tsv
refuse 3 "x" predict --task ax --model "$RUN" --data data --out p.tsv
echo 'one text only' >lines
input=lines
refuse 3 "x" predict --task mnli --model "$RUN"
input=/dev/null

# ---- inspect
refuse 3 "x" inspect no
broken model; head -c 100000 model/model.safetensors >bad/model.safetensors
refuse 3 "x" inspect bad
refuse 3 "x" inspect bad/model.safetensors
refuse 3 "x" inspect data
finish
