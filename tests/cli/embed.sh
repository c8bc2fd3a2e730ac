# bertc embed and truncate: their output and their refusals. tests/parity/embed.py checks the values.
. "$(dirname "$0")/lib.sh"

model="--model $SAMPLE/model --threads 1"
printf 'a good film\n\nthe "plot" was not bad\n' >"$scratch/lines"
input=$scratch/lines

# ---- Shapes: width 128; [CLS] and [SEP] count
columns() { awk -F '\t' '{ printf "%d ", NF }' "$scratch/out"; }
run 0 embed $model --format tsv
[ "$(columns)" = "129 129 129 " ] || fail "columns of pooled texts: $(columns)"
run 0 embed $model --format tsv --layers 0,1,-1 --combine concat --limit 2
[ "$(columns)" = "385 385 " ] || fail "columns of three layers: $(columns)"
run 0 embed $model --format tsv --pool none --limit 2
[ "$(cut -f 1-3 "$scratch/out" | tr '\t\n' ': ')" = \
    "0:0:[CLS] 0:1:a 0:2:good 0:3:film 0:4:[SEP] 1:0:[CLS] 1:1:[SEP] " ] ||
    fail "rows of tokens: $(cut -f 1-3 "$scratch/out")"
run 0 embed $model
[ "$(sed 's/\[.*\]/[]/' "$scratch/out" | tr '\n' ' ')" = \
    '{"index":0,"embedding":[]} {"index":1,"embedding":[]} {"index":2,"embedding":[]} ' ] ||
    fail "objects: $(cut -c 1-60 "$scratch/out")"
run 0 embed $model --pool none
sed -n 3p "$scratch/out" | grep -qF '{"index":2,"tokens":["[CLS]","the","\"","plot","\"",' ||
    fail "tokens: $(cut -c 1-60 "$scratch/out")"

# A token that is not in the vocabulary is written as its own text.
cp -r "$SAMPLE/model" longer
sed '$d' "$SAMPLE/model/vocab.txt" >longer/vocab.txt
words=$(wc -l <longer/vocab.txt)
echo "{\"added_tokens_decoder\": {\"$words\": {\"content\": \"<<E>>\", \"special\": true}}}" >longer/tokenizer_config.json
echo 'the <<E>>film' >"$scratch/in"
input=$scratch/in
run 0 embed --model longer --threads 1 --pool none
grep -qF '"tokens":["[CLS]","the","<<E>>","film","[SEP]"]' "$scratch/out" || fail "an added token: $(cut -c 1-80 "$scratch/out")"
input=$scratch/lines

# ---- The same values in every format, and from any place in the data
run 0 embed $model --format tsv
cp "$scratch/out" "$scratch/table"
run 0 embed $model
sed 's/.*"embedding":\[//; s/\]}//' "$scratch/out" | tr ',' '\t' >"$scratch/found"
cut -f 2- "$scratch/table" | cmp -s - "$scratch/found" || fail "JSON and table differ"
run 0 embed $model --format npy --out x.npy
[ "$(head -c 8 x.npy | od -An -tx1 | tr -d ' ')" = 934e554d50590100 ] || fail "magic of .npy"
[ "$(head -c 128 x.npy | tail -c 118 | sed 's/ *$//')" = \
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 128), }" ] || fail "header of .npy"
[ "$(wc -c <x.npy)" = $((128 + 3 * 128 * 4)) ] || fail "size of .npy: $(wc -c <x.npy)"
run 0 embed $model --format npy --pool none --out x.npy --offsets starts.npy
[ "$(tail -c +129 starts.npy | od -An -td8 | tr -s ' \n' ' ')" = " 0 5 7 $(($(wc -c <x.npy) / 512)) " ] ||
    [ "$(wc -c <x.npy)" = 0 ] || fail "offsets: $(tail -c +129 starts.npy | od -An -td8)"
rm x.npy starts.npy

# More texts than a window holds, of two lengths in turn: each text gets the same row as alone.
awk 'BEGIN { for (i = 0; i < 8200; i++) print i % 3 ? "bad" : "a good film" }' >"$scratch/many"
input=$scratch/many
run 0 embed $model --format tsv --layers 0 --pool max --batch-size 512
cut -f 2- "$scratch/out" | awk '{ row[NR % 3 != 1] = row[NR % 3 != 1] ? row[NR % 3 != 1] : $0
    if ($0 != row[NR % 3 != 1]) { print "row " NR " differs"; exit } }
    END { if (NR != 8200) print NR " rows" }' >"$scratch/found"
[ -s "$scratch/found" ] && fail "$(cat "$scratch/found")"
[ "$(sed -n '8200{s/\t.*//;p;}' "$scratch/out")" = 8199 ] || fail "the last index"
input=$scratch/lines

# ---- A split
run 0 embed $model --task mrpc --data "$SAMPLE" --split dev --limit 5 --format tsv
[ "$(wc -l <"$scratch/out")" = 5 ] || fail "a split's rows"

# ---- Refusals
refuse 2 "--layers: no layer 3; the model has 2 layers, 0 is its embeddings, -1 the last layer" embed $model --layers 3
refuse 2 "--layers: no layer -4; the model has 2 layers, 0 is its embeddings, -1 the last layer" embed $model --layers -4
refuse 2 "--layers: '1-2' is neither 'all' nor a list of numbers such as 1,2,-1" embed $model --layers 1-2
refuse 2 "--layers: '2,-1' has layer 2 twice" embed $model --layers 2,-1
refuse 2 "--layers: no number after the last comma" embed $model --layers 1,
refuse 2 "--layers: the value is empty" embed $model --layers ""
refuse 2 "--format npy --pool none needs --offsets FILE for each text's first row" embed $model \
    --format npy --pool none --out x.npy
refuse 2 "--offsets has no effect without --format npy --pool none" embed $model --offsets x.npy
refuse 2 "--out and --offsets are the same file" embed $model --format npy --pool none --out x.npy --offsets x.npy
refuse 2 "--task has no effect without --data" embed $model --task sst2
refuse 2 "--data has no effect without --task" embed $model --data "$SAMPLE"
refuse 2 "--split has no effect without --task" embed $model --split dev
refuse 2 "--pair has no effect with --task, which decides what is read" embed $model --pair --task mrpc \
    --data "$SAMPLE"
refuse 2 "unknown task 'sst', did you mean 'sst2'?" embed $model --task sst --data "$SAMPLE"
refuse 3 "standard input:1: 1 column, expected 2" embed $model --pair
refuse 3 "$(hub no)" embed --model no
input=/dev/null
refuse 3 "standard input: no lines to read" embed $model

# ---- A smaller model
run 0 truncate --model "$SAMPLE/model" --keep-layers 1 --out small
cmp -s small/vocab.txt "$SAMPLE/model/vocab.txt" || fail "another vocabulary"
run 0 inspect small
grep -q 'layer\.0\.' "$scratch/out" && ! grep -q 'layer\.1\.' "$scratch/out" || fail "layers of a smaller model"
run 0 finetune --task sst2 --model small --data "$SAMPLE" --out a --max-steps 2 --limit-eval 8 --threads 1
run 0 finetune --task sst2 --model "$SAMPLE/model" --data "$SAMPLE" --out b --max-steps 2 --limit-eval 8 \
    --threads 1 --keep-layers 1
cmp -s a/model.safetensors b/model.safetensors || fail "training 1 layer and a model of 1 layer differ"
grep -q '"num_hidden_layers": 1,' b/config.json || fail "layers of what was trained"
run 0 eval --task sst2 --model b --data "$SAMPLE" --limit 8
refuse 2 "--keep-layers 3: $SAMPLE/model/config.json allows 1 to 2" truncate \
    --model "$SAMPLE/model" --keep-layers 3 --out more
mkdir adapter
echo '{}' >adapter/adapter_config.json
refuse 3 "adapter: this is an adapter; truncate its base model" truncate --model adapter \
    --keep-layers 1 --out more
refuse 2 "small: is not empty, choose another folder" truncate --model "$SAMPLE/model" --keep-layers 1 --out small
refuse 3 "$(hub no)" truncate --model no --keep-layers 1 --out more
more="finetune --task sst2 --model $SAMPLE/model --data $SAMPLE --out more"
refuse 2 "--keep-layers 3: the model has 2 layers" $more --keep-layers 3
refuse 2 "--feature-layer 3: the model has 2 layers" $more --feature-layer 3
for other in "freeze all" "keep-layers 1" "reinit-layers 1" "train-only bias"; do
    refuse 2 "--feature-layer cannot be combined with --${other%% *}" $more --feature-layer 1 \
        --$other
done
finish
