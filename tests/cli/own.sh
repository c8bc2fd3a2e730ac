# Users' own data: --task custom, task files, and the messages about tables.
. "$(dirname "$0")/lib.sh"

cp -r "$SAMPLE/model" model
tune() {
    code=$1
    shift
    run "$code" finetune --model model --threads 1 --epochs 1 --max-length 24 --limit-train 40 "$@"
}
# bad MESSAGE ARG...: a run on this data is refused; the message about what was understood before may be there.
bad() {
    message=$1
    shift
    tune 3 --task custom --out never "$@"
    [ "$(tail -n 1 "$scratch/err")" = "bertc: $message" ] || { fail "message of: $*"; cat "$scratch/err"; }
    checks=$((checks + 1))
}

# The rows of a sample task as a table of one's own: a text with a comma and a line end, three teams.
awk -F '\t' 'BEGIN { print "id,text,team" }
    NR > 1 && NR < 92 { printf "%d,\"%s, really\n?\",%s\n", NR, $1, NR % 3 ? (NR % 2 ? "billing" : "sales") : "help" }' \
    "$SAMPLE/SST-2/train.tsv" >tickets.csv
sed -n '1,40p' tickets.csv >some.csv
printf 'text,team\n"a, b",sales\nc,help\n' >dev.csv

# ---- One command
tune 0 --task custom --train tickets.csv --label-column team --out run
contains "$scratch/err" \
    'tickets.csv: classification of 3 classes; texts in column "text", labels in "team"' \
    'tickets.csv: 9 of 90 rows, chosen by their texts, are the dev split'
grep -q '^{"task":"custom","split":"dev","examples":9,' "$scratch/out" || fail "scores of custom"
cp "$scratch/out" scores
contains run/task.json ' "label_column":"team",' ' "kind":"classification",' ' "labels":["billing","help","sales"],'
grep -q '"task.json":{"bytes":' run/run.json || fail "run.json does not list task.json"
grep -q "\"train\":\"$(pwd)/tickets.csv\"" run/task.json || fail "task.json has no absolute path"
run 0 eval --task run/task.json --model run --json --threads 1
[ "$(cut -c1-60 "$scratch/out")" = "$(cut -c1-60 scores)" ] || fail "eval differs from the run's scores"
run 0 eval --task run/task.json --model run --data dev.csv --json --threads 1
grep -q '"examples":2,' "$scratch/out" || fail "eval of another table"
input=dev.csv
run 0 predict --task run/task.json --model run --threads 1
[ "$(wc -l <"$scratch/out")" = 3 ] || fail "predictions of lines"
input=/dev/null
run 0 embed --task run/task.json --split train --model run --limit 2 --threads 1
[ "$(wc -l <"$scratch/out")" = 2 ] || fail "features of an own task"
refuse 2 "--data is missing" eval --task sst2 --model run
refuse 2 "--split has no effect without --task" embed --model run --split dev
refuse 2 "dev.csv: is an input file or belongs to the model; choose another --out" \
    predict --task run/task.json --model run --data dev.csv --out dev.csv

# ---- A task file says the same, next to a task of GLUE
printf '{"train":"../tickets.csv","dev":"../dev.csv","label_column":"team","labels":["help","sales","billing"]}' >team.json
mkdir -p tasks && mv team.json tasks/
tune 0 --task tasks/team.json,sst2 --data "$SAMPLE" --limit-eval 20 --out both
[ -f both/team/task.json ] && [ ! -f both/sst2/task.json ] || fail "task.json of several tasks"
contains both/team/task.json ' "labels":["help","sales","billing"],'
run 0 eval --task both/team/task.json --model both/team --by-class --threads 1
grep -q '^help ' "$scratch/out" || fail "classes of an own task"
refuse 2 "--dev-share has no effect without --task custom" \
    finetune --task tasks/team.json --dev-share 0 --model model --out never

# ---- A folder of tables
mkdir folder
cp tickets.csv folder/train.csv
gzip -c dev.csv >folder/validation.csv.gz
tune 0 --task custom --data folder --label-column team --out gz
grep -q '"examples":2,' "$scratch/out" || fail "a dev table in gzip data"

# ---- Tables that are refused: file, line, column and reason
bad 'no.csv: cannot open: No such file or directory' --train no.csv
printf 'text,label\nx,a\n"y,b\n' >b.csv
bad 'b.csv:3:1: a quote that is not closed' --train b.csv
printf 'text,label\nx,a\ny\n' >b.csv
bad 'b.csv:3: 1 column, expected 2' --train b.csv
printf 'text,label,Text\nx,a,z\n' >b.csv
bad 'b.csv:1: two columns of the header are named "Text"' --train b.csv
printf 'text,label\n' >b.csv
bad 'b.csv: no rows after the header' --train b.csv
: >b.csv
bad 'b.csv: empty file' --train b.csv
printf 'text,label\nx,a\ny,b\n' >b.csv
printf 'text,label\nx,a\ny,c\n' >c.csv
bad 'c.csv:3: label "c" is not one of a, b' --train b.csv --dev c.csv
bad 'b.csv: too few different texts with the same label for a dev share; give a dev file, or a dev share of 0, or the kind regression if the labels are values' --train b.csv
printf 'subject,body,label\nx,y,a\n' >c.csv
bad 'c.csv:1: no column "words"; text_column can be one of its columns "subject", "body", "label"' \
    --train c.csv --text-column words
{ printf 'text,label\n'; head -c 67108865 /dev/zero | tr '\0' a; } >long.csv
bad 'long.csv:2: a line of more than 67108864 bytes' --train long.csv
rm long.csv
printf 'PK\003\004\024\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\023\000\000\000[Content_Types].xml' >x.xlsx
bad 'x.xlsx: an Office document, such as an Excel workbook (save it as CSV, or pandas.read_excel(FILE).to_csv(OUT, index=False) makes a table of it), not a table of text (CSV, TSV or JSON lines)' \
    --train x.xlsx
printf '{"train":"b.csv","lables":["a","b"]}' >t.json
expect 3 "" 'bertc: t.json: unknown key "lables", did you mean "labels"?' finetune --task t.json --model model --out never
refuse 2 "unknown task 'custm', did you mean 'custom'?" finetune --task custm --model model --out never
refuse 2 "--task custom needs --train or --data" finetune --task custom --model model --out never
refuse 2 "--kind: 'rank' is not one of auto|classification|multilabel|regression" \
    finetune --task custom --train b.csv --kind rank --model model --out never
refuse 2 "--text-column has no effect without --task custom" \
    finetune --task sst2 --data "$SAMPLE" --text-column x --model model --out never

# ---- What is only reported
printf 'text,label\nx\377,a\nx\377,a\ny,b\nz,c\nw,c\n' >w.csv
printf 'text,label\ny,b\n' >c.csv
tune 0 --task custom --train w.csv --dev c.csv --out w
contains "$scratch/err" 'w.csv: 1 row repeats the texts of an earlier row, the first on line 3' \
    'w.csv: 1 class with a single example, such as "b"' 'c.csv: 1 of 1 dev texts are also in the training data' \
    'w.csv: 2 invalid UTF-8 sequences read as U+FFFD'
tune 0 --task custom --train w.csv --dev-share 0 --out blind
contains "$scratch/err" 'custom: no dev split, so the run is not evaluated'
[ "$(cat blind/eval.json)" = '[]' ] || fail "eval.json of a run without a dev split"
[ ! -s "$scratch/out" ] || fail "scores without a dev split"
finish
