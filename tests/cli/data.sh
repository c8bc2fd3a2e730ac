# bertc data: what a data set contains, and what would spoil a run.
. "$(dirname "$0")/lib.sh"

# has TEXT...: the output contains each text.
has() {
    for text in "$@"; do
        checks=$((checks + 1))
        grep -qF -e "$text" "$scratch/out" || fail "no '$text' in $(cat "$scratch/out")"
    done
}

mkdir own
printf 'text,label,note\nred,a,x\ngreen tea,b,\n"  ",a,x\nred,a,y\nred,b,y\nblue,c,z\n' >own/train.csv
printf 'text,label\nred,a\nh\303\251,b\nodd \377,b\n' >own/dev.csv

run 0 data own/train.csv --dev-share 0
same "standard output" 'task        custom: single texts, 3 labels
train       own/train.csv, columns "text", "label", "note"

                               train         dev        test
rows                               6           -           -
labelled                           6           -           -
empty texts                        1           -           -
invalid UTF-8                      0           -           -
duplicates                         2           -           -
conflicting labels                 1           -           -
texts also in train                0           -           -
texts also in dev                  0           -           -
texts also in test                 0           -           -

characters                     train         dev        test
shortest                           2           -           -
median                             3           -           -
90 %                               9           -           -
95 %                               9           -           -
99 %                               9           -           -
longest                            9           -           -

label                          train         dev        test
a                                  3           -           -
b                                  2           -           -
c                                  1           -           -

own/train.csv:5: the first duplicate, of line 2
own/train.csv:6: the first text with another label than on line 2' "$scratch/out" data own/train.csv

# A folder, tokens and JSON: the shared texts are those of both splits, and a text of 4 tokens is longer than 3.
run 0 data own --model "$SAMPLE/model" --max-length 3 --json
has '{"task":"custom","kind":"classification","unit":"tokens","max_length":3,"splits":{"train":{"file":"own/train.csv"' \
    '"in_train":0,"in_dev":3,"in_test":0,' '"in_train":1,"in_dev":0,"in_test":0,' '"invalid_utf8":1,' '"labels":{"a":3,"b":2,"c":1}' \
    '"lines":{"duplicates":[2,5],"conflicts":[2,6],"in_dev":[2,2]}' '"labels":{"a":1,"b":2,"c":0},"lines":{"in_train":[2,2]}}}}'
cp "$scratch/out" json
run 0 data --train own/train.csv --dev own/dev.csv --model "$SAMPLE/model" --max-length 3 --json
cmp json "$scratch/out" || fail "the files of a folder give another description"

# A regression has values in place of labels.
printf 'text,score\na,1.5\nb,-2\nc,5\n' >values.csv
run 0 data values.csv --dev-share 0
has 'task        custom: single texts, a number' 'smallest                          -2           -           -' \
    'largest                            5           -           -' 'mean                             1.5           -           -' \
    'deviation                        3.5           -           -'

# GLUE: official numbers of rows; every task in the folder has its description.
run 0 data "$SAMPLE" --task stsb
grep -q '^official rows  *5749  *1500  *1379$' "$scratch/out" || fail "official rows of stsb"
run 0 data "$SAMPLE" --json
[ "$(cut -d '"' -f 4 "$scratch/out" | tr '\n' ' ')" = "cola sst2 mrpc stsb qqp mnli mnli-mm qnli rte wnli ax " ] ||
    fail "tasks of the folder: $(cut -c1-30 "$scratch/out")"

# What finetune would refuse is an error, after what was read before it.
printf 'text,label\nred,d\n' >own/dev.csv
run 3 data own
grep -q 'own/dev.csv:2: label "d" is not one of a, b, c' "$scratch/err" || fail "message: $(cat "$scratch/err")"
grep -q '^rows  *6  *-  *-$' "$scratch/out" || fail "the train split is not shown before the error"
refuse 2 "'bertc data' needs FILE, DIR, --train or --task" data
refuse 2 "unknown task 'sst', did you mean 'sst2'?" data own --task sst
refuse 2 "--max-length has no effect without --model, whose tokenizer counts tokens" data own --max-length 4
refuse 3 "nowhere.csv: cannot open: No such file or directory" data nowhere.csv
# Without a dev table the rows are divided as finetune divides them.
awk 'BEGIN { print "text,label"; for (i = 0; i < 40; i++) print "text " i "," i % 2 }' >many.csv
run 0 data many.csv
grep -q '^rows  *36  *4  *-$' "$scratch/out" || fail "no dev share: $(cat "$scratch/out")"
awk 'BEGIN { print "text,price"; for (i = 0; i < 40; i++) print "text " i "," i }' >prices.csv
refuse 3 "prices.csv: too few different texts with the same label for a dev share; give a dev file, or a dev share of 0, or the kind regression if the labels are values" data prices.csv --label-column price
run 0 data prices.csv --label-column price --dev-share 0
grep -q '40 of the 40 classes are numbers; if they are values, the kind is regression' "$scratch/err" ||
    fail "no hint at values: $(cat "$scratch/err")"
finish
