# Options, commands and help: everything that is decided before a file is read.
. "$(dirname "$0")/lib.sh"

# ---- Commands
run 2
contains "$scratch/err" "Examples:" "Usage: bertc COMMAND [OPTION]..."
refuse 2 "unknown command 'finetun', did you mean 'finetune'?" finetun
refuse 2 "unknown command 'tokenise', did you mean 'tokenize'?" tokenise
refuse 2 "unknown command 'ini', did you mean 'init'?" ini
refuse 2 "unknown command 'xylophone', see 'bertc help'" xylophone
refuse 2 "unknown command '', see 'bertc help'" ""
refuse 2 "unknown command '--hlep', did you mean 'help'?" --hlep
refuse 2 "unknown command 'evl', did you mean 'eval'?" help evl

# ---- Options
refuse 2 "unknown option '--bach-size', did you mean '--batch-size'?" finetune --bach-size 3
refuse 2 "unknown option '--bach-size=3', did you mean '--batch-size'?" finetune --bach-size=3
refuse 2 "unknown option '--batch', did you mean '--batch-size'?" finetune --batch 3
refuse 2 "unknown option '-x', see 'bertc eval --help'" eval -x
refuse 2 "unknown option '--json', see 'bertc predict --help'" predict --json
refuse 2 "unknown option '--=3', see 'bertc eval --help'" eval --=3
refuse 2 "--task needs a value (TASK)" finetune --task
refuse 2 "--task needs a value (TASK)" finetune --task --model x
refuse 2 "--task: the value is empty" finetune --task=
refuse 2 "--json takes no value" eval --json=yes
refuse 2 "unexpected argument 'x', see 'bertc eval --help'" eval x
refuse 2 "unexpected argument '--json', see 'bertc eval --help'" eval -- --json
refuse 2 "unexpected argument '-', see 'bertc tasks --help'" tasks -
refuse 2 "unexpected argument 'b', see 'bertc inspect --help'" inspect a b
refuse 2 "'bertc inspect' needs DIR|FILE, see 'bertc inspect --help'" inspect
refuse 2 "'bertc finetune' needs --task, --model, --out, see 'bertc finetune --help'" finetune
refuse 2 "--data is missing" eval --task sst2 --model x
refuse 2 "'bertc init' needs --vocab, see 'bertc init --help'" init --out x
refuse 2 "'bertc tokenize' needs one of --model and --vocab" tokenize
refuse 2 "'bertc tokenize' needs one of --model and --vocab" tokenize --model x --vocab y
refuse 2 "--out and --logits are the same file" predict --task sst2 --model x --out y --logits y

# ---- Numbers
number() {
    refuse 2 "$1" finetune --task sst2 --model x --data y --out z "$2"
}
number "--batch-size: '12x' is not a whole number" --batch-size=12x
number "--batch-size: '' is not a whole number" --batch-size=
number "--batch-size: ' 3' is not a whole number" "--batch-size= 3"
number "--batch-size: '+3' is not a whole number" --batch-size=+3
number "--batch-size: '3.0' is not a whole number" --batch-size=3.0
number "--batch-size: '0x10' is not a whole number" --batch-size=0x10
number "--lr: 'fast' is not a number" --lr=fast
number "--lr: '1e' is not a number" --lr=1e
number "--lr: 'nan' is not a number" --lr=nan
number "--lr: 'inf' is not a number" --lr=inf
number "--lr: '0x1p-3' is not a number" --lr=0x1p-3
number "--lr: '1,5' is not a number" --lr=1,5
number "--lr: '' is not a number" --lr=
number "--recipe: 'tf' is not one of hf|google" --recipe=tf
refuse 2 "--split: 'de' is not one of train|dev|test" eval --split de
refuse 2 "--batch-size: 0 is out of range, 1 to 65536" eval --batch-size 0
refuse 2 "--batch-size: 99999999999999999999 is out of range, 1 to 65536" eval \
    --batch-size 99999999999999999999
refuse 2 "--seed: -1 is out of range, 0 to 9007199254740991" init --seed -1
refuse 2 "--seed: 9007199254740993 is out of range, 0 to 9007199254740991" init \
    --seed 9007199254740993

# The last value of a repeated option counts: the first value is parsed but not checked against the tasks.
refuse 2 "unknown task 'two', see 'bertc tasks'" eval --task one --task=two --model x --data y
refuse 2 "unknown task 'sst-2', did you mean 'sst2'?" eval --task sst-2 --model x --data y
refuse 2 "unknown task 'ssst2', did you mean 'sst2'?" plan --task ssst2 --model x --data y
refuse 2 "'bertc plan' needs --model, see 'bertc plan --help'" plan --task sst2
refuse 2 "--gradient-checkpointing: -1 is out of range, 0 to 1000" plan --gradient-checkpointing -1
refuse 2 "--freeze: the value is empty" finetune --freeze=
refuse 2 "unknown task 'ssst2', did you mean 'sst2'?" finetune --task ssst2 --model x --data y \
    --out z

# ---- Help: examples first, every option with its default; --help takes precedence over later arguments
for command in finetune plan eval predict tokenize inspect tasks init sample help version; do
    expect_first=$(printf 'Examples:\n')
    run 0 "$command" --help
    [ "$(head -n 1 "$scratch/out")" = "$expect_first" ] || fail "help of $command does not begin with examples"
    grep -q "^  .*bertc $command" "$scratch/out" || fail "help of $command has no example"
    [ ! -s "$scratch/err" ] || fail "help of $command writes to standard error"
    wide=$(sed -n '/^Options:/,$p' "$scratch/out" | awk 'length > 90')
    [ -z "$wide" ] || fail "help of $command has lines of more than 90 columns: $wide"
    cp "$scratch/out" "$scratch/help"
    run 0 help "$command"
    cmp -s "$scratch/out" "$scratch/help" || fail "two ways to help $command differ"
done
run 0 eval --help --no-such-option
run 0 help eval
contains "$scratch/out" \
    "Usage: bertc eval --model DIR [OPTION]..." \
    "  --split SPLIT             the split of the data to use (train|dev|test; default dev)" \
    "  --batch-size N            number of sequences computed together (default 32; 1 to 65536)"
run 0 help
contains "$scratch/out" "  finetune   fine-tune a model on a GLUE task or on your own data" \
    "    8  another run has locked the folder"
run 0 --help
run 0 -h

# ---- Version
run 0 --version
version=$(sed -n 's/^project(bertc VERSION \([0-9.]*\) .*/\1/p' "$here/../../CMakeLists.txt")
[ "$(head -n 1 "$scratch/out")" = "bertc $version" ] || fail "first line of --version"
[ "$(wc -l <"$scratch/out")" -ge 2 ] || fail "--version lists no library"
cp "$scratch/out" "$scratch/version"
run 0 version
cmp -s "$scratch/out" "$scratch/version" || fail "version and --version differ"

# ---- Standard output that cannot be written
if [ -c /dev/full ]; then
    "$BERTC" tasks >/dev/full 2>"$scratch/err"
    [ $? = 4 ] || fail "exit code of tasks > /dev/full"
    same "standard error" "bertc: standard output: cannot write: No space left on device" \
        "$scratch/err" "tasks > /dev/full"
fi
"$BERTC" tasks >&- 2>"$scratch/err"
[ $? = 4 ] || fail "exit code of tasks with standard output closed"
same "standard error" "bertc: standard output: cannot write: Bad file descriptor" "$scratch/err" \
    "tasks >&-"

# ---- The man page in docs/ is the one that the program prints
run 0 help --man
cmp "$scratch/out" "$here/../../docs/bertc.1" ||
    fail "docs/bertc.1 is out of date: bertc help --man > docs/bertc.1"
finish
