# bertc sample and init. Leaves the sample in $SAMPLE for the other tests.
. "$(dirname "$0")/lib.sh"

rm -rf "$SAMPLE"
expect 0 "" "" sample --out "$SAMPLE"
for file in CoLA/train.tsv SST-2/dev.tsv MRPC/test.tsv STS-B/train.tsv QQP/dev.tsv \
    MNLI/dev_mismatched.tsv QNLI/test.tsv RTE/train.tsv WNLI/dev.tsv AX/diagnostic.tsv \
    corpus.txt vocab.txt model/config.json model/model.safetensors model/vocab.txt \
    model/tokenizer_config.json; do
    checks=$((checks + 1))
    [ -s "$SAMPLE/$file" ] || fail "no $file in the sample"
done
cmp "$SAMPLE/vocab.txt" "$SAMPLE/model/vocab.txt" || fail "the model's vocabulary is another"

# The sample is a function of the seed.
run 0 sample --out two --seed 42
diff -r "$SAMPLE" two >"$scratch/diff" || fail "two samples of one seed differ"
run 0 sample --out three --seed 43
cmp -s three/SST-2/train.tsv two/SST-2/train.tsv && fail "two seeds give the same sample"
refuse 2 "two: is not empty, choose another folder" sample --out two
mkdir own own/SST-2
echo mine >own/SST-2/train.tsv
refuse 2 "own: is not empty, choose another folder" sample --out own
: >file
refuse 4 "file/model: cannot open: Not a directory" sample --out file/model

# A model with random weights.
cp "$SAMPLE/vocab.txt" .
expect 0 "" "" init --vocab vocab.txt --out new/er/model --layers 1 --hidden 8 --heads 2
[ "$(ls new/er/model | tr '\n' ' ')" = "config.json model.safetensors tokenizer_config.json vocab.txt " ] ||
    fail "init leaves: $(ls new/er/model)"
cmp vocab.txt new/er/model/vocab.txt || fail "init changed the vocabulary"
grep -q '"intermediate_size": *32' new/er/model/config.json || fail "intermediate size of init"
grep -q '"max_position_embeddings": *512' new/er/model/config.json || fail "positions of init"
run 0 init --vocab vocab.txt --out again --layers 1 --hidden 8 --heads 2
diff -r again new/er/model || fail "init is no function of its options"
run 0 init --vocab vocab.txt --out other --layers 1 --hidden 8 --heads 2 --seed 7
cmp -s other/model.safetensors again/model.safetensors && fail "init does not look at the seed"
run 0 init --vocab vocab.txt --out cased --layers 1 --hidden 8 --heads 2 --cased
grep -q '"do_lower_case": false' cased/tokenizer_config.json || fail "init --cased"

# Refused commands leave no files.
small="--layers 1 --hidden 8 --heads 2"
refuse 2 "again: is not empty, choose another folder" init --vocab vocab.txt \
    --out again $small
refuse 3 "no.txt: cannot open: No such file or directory" init --vocab no.txt --out x $small
refuse 2 "--hidden 9 is not a multiple of --heads 2" init --vocab vocab.txt --out x --layers 1 \
    --hidden 9 --heads 2
printf 'a\nb\n' >unfit.txt
run 3 init --vocab unfit.txt --out x $small
refuse 4 "file/x: cannot open: Not a directory" init --vocab vocab.txt --out file/x $small
if [ -d /proc ]; then run 4 init --vocab vocab.txt --out /proc/x $small; fi
finish
