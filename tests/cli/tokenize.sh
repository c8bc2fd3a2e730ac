# bertc tokenize: one line of ids for each line of text, byte for byte.
. "$(dirname "$0")/lib.sh"

#                 0       1       2       3       4        5       6       7     8   9    10      11     12
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' hello world '##s' , un '##aff' '##able' Hello >vocab.txt

# ids EXPECTED TEXT OPTION...: expect these ids for TEXT, which goes through printf.
ids() {
    expected=$1
    printf "$2" >"$scratch/in"
    shift 2
    input=$scratch/in
    expect 0 "$expected" "" tokenize --vocab vocab.txt "$@"
    input=/dev/null
}

ids "" ""
ids "2 3" "\n"
ids "2 3
2 3" "\n\n"
ids "2 5 8 6 7 3" "Hello, worlds\n"
ids "2 5 8 6 7 3" "Hello, worlds"
ids "2 9 10 11 3
2 5 3" "unaffable\nhello"
ids "2 12 3" "Hello\n" --cased
ids "2 1 3" "HELLO\n" --cased
ids "2 5 3" "hello\r\n"
ids "2 5 6 3" "hello\000 world\n"
ids "2 5 6 3" "hello\tworld\n"
ids "2 5 3 6 8 3" "hello\tworld,\n" --pair
ids "2 5 3 3" "hello\t\n" --pair
ids "2 5 3 6 6 3" "hello\tworld\tworld\n" --pair
ids "2 5 8 3" "hello, world\n" --max-length 4
ids "2:0-0 5:0-5 8:5-6 6:7-12 7:12-13 3:0-0" "Hello, worlds\n" --offsets
for parity in hf-fast hf-slow google; do ids "2 5 6 3" "hello world\n" --parity $parity; done
ids "2 1 3" "xyzzy\n" --parity=google

# Invalid UTF-8 is reported once, with the number of sequences.
printf 'hello\377 world\nhello \300\200\n' >"$scratch/in"
input=$scratch/in
run 0 tokenize --vocab vocab.txt
case $(cat "$scratch/err") in
"standard input: "*" invalid UTF-8 sequences read as U+FFFD") ;;
*) fail "warning of invalid UTF-8: $(cat "$scratch/err")" ;;
esac
input=/dev/null

# A line of 6 MB, and many lines.
awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "hello "; print ""; print "world" }' >"$scratch/in"
"$BERTC" tokenize --vocab vocab.txt <"$scratch/in" >"$scratch/out"
[ "$(awk '{ print NF }' "$scratch/out" | tr '\n' ' ')" = "1000002 3 " ] || fail "a long line"
awk 'BEGIN { for (i = 0; i < 20000; i++) print "hello, world" }' >"$scratch/in"
"$BERTC" tokenize --vocab vocab.txt <"$scratch/in" | sort -u >"$scratch/out"
[ "$(cat "$scratch/out")" = "2 5 8 6 3" ] || fail "many lines"
checks=$((checks + 2))

# Any number of threads gives the same bytes: several blocks, lines of all lengths, no newline at the end.
awk 'BEGIN {
    for (i = 0; i < 60000; i++) {
        for (j = i * 7 % 23; j > 0; j--) printf "hello unaffable %d, ", i
        print "world\tun\377"
    }
    printf "hello\tlast"
}' >"$scratch/in"
for options in "--threads 1" "--pair --offsets --threads 1"; do
    "$BERTC" tokenize --vocab vocab.txt $options <"$scratch/in" >"$scratch/one" 2>"$scratch/err"
    [ "$(wc -l <"$scratch/one")" = 60001 ] || fail "lines of: tokenize $options"
    for threads in 0 2 3 16; do
        "$BERTC" tokenize --vocab vocab.txt $options --threads $threads <"$scratch/in" \
            >"$scratch/out" 2>"$scratch/more"
        cmp "$scratch/one" "$scratch/out" || fail "$threads threads of: tokenize $options"
        cmp "$scratch/err" "$scratch/more" || fail "warning of $threads threads"
        checks=$((checks + 2))
    done
done

# The first bad line ends the command; the output of all lines before it is written.
awk 'BEGIN { for (i = 1; i <= 300000; i++) print (i % 123457 ? "hello\tworld" : "hello") }' >"$scratch/in"
for threads in 1 2 7; do
    "$BERTC" tokenize --vocab vocab.txt --pair --threads $threads <"$scratch/in" >"$scratch/out" 2>"$scratch/err"
    [ $? = 3 ] || fail "exit code of a late pair without TAB"
    same "standard error" "bertc: standard input:123457: no TAB between two texts" "$scratch/err" \
        "tokenize --pair --threads $threads"
    [ "$(sort "$scratch/out" | uniq -c | tr -s ' ')" = " 123456 2 5 3 6 3" ] || fail "lines before a bad one"
    checks=$((checks + 1))
done

# Settings come from a model directory.
mkdir cased
cp vocab.txt cased
echo '{"do_lower_case": false}' >cased/tokenizer_config.json
echo Hello >"$scratch/in"
input=$scratch/in
expect 0 "2 12 3" "" tokenize --model cased
mkdir plain
cp vocab.txt plain
expect 0 "2 5 3" "" tokenize --model plain
expect 0 "2 12 3" "" tokenize --model plain --cased

# Tokens with flags, numbered after the vocabulary.
mkdir flags
cp vocab.txt flags
cat >flags/special_tokens_map.json <<'EOF'
{"mask_token": {"content": "[MASK]", "normalized": true, "single_word": true},
 "extra_special_tokens": [{"content": "Big Word", "normalized": true}]}
EOF
echo '{"un": 9, "[E1]": 14}' >flags/added_tokens.json
echo '{"model_type": "bert"}' >flags/config.json
printf '[Mask] x[MASK] Un, big WORD[e1]\n' >"$scratch/in"
run 3 tokenize --model flags
same "standard error" "bertc: flags/vocab.txt: the added token [E1] has id 14 in the tokenizer's files, but 13 is the next free one" \
    "$scratch/err" "tokenize --model flags"
echo '{"un": 9, "[E1]": 13}' >flags/added_tokens.json
expect 0 "2 4 1 1 1 1 9 8 14 13 3" "" tokenize --model flags
run 3 tokenize --model flags --parity hf-slow

# Two vocabulary files must agree.
mkdir two
cp vocab.txt two
model='{"added_tokens": [], "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4,
 "hello": 5, "world": 6, "##s": 7, ",": 8, "un": 9, "##aff": 10, "##able": 11, "Hello": 12}}}'
echo '{"model_type": "bert"}' >two/config.json
echo "$model" >two/tokenizer.json
echo Hello >"$scratch/in"
expect 0 "2 12 3" "" tokenize --model two --cased
echo "$model" | sed 's/"hello": 5, "world": 6/"hello": 6, "world": 5/' >two/tokenizer.json
refuse 3 "two/tokenizer.json: 2 of 13 words differ from vocab.txt; the first is id 5, \"world\" here and \"hello\" in vocab.txt; remove the wrong file" \
    tokenize --model two
echo "$model" | sed 's/"Hello": 12/"Hello": 12, "more": 13/' >two/tokenizer.json
refuse 3 "two/tokenizer.json: 1 word more than in vocab.txt; the first is id 13, \"more\"; remove the wrong file" \
    tokenize --model two
echo '{"model": {"type": "Unigram", "vocab": [["hello", -1.5]]}}' >two/tokenizer.json
refuse 3 "two/tokenizer.json: the tokenizer has type Unigram, expected BERT's WordPiece" tokenize --model two
refuse 3 "two/tokenizer.json: the tokenizer has type Unigram, expected BERT's WordPiece" \
    tokenize --vocab two/tokenizer.json
input=/dev/null

# Bad input.
printf 'hello\tworld\nhello\n' >"$scratch/in"
"$BERTC" tokenize --vocab vocab.txt --pair <"$scratch/in" >"$scratch/out" 2>"$scratch/err"
[ $? = 3 ] || fail "exit code of a pair without TAB"
same "standard error" "bertc: standard input:2: no TAB between two texts" "$scratch/err" "--pair"
refuse 3 "no.txt: cannot open: No such file or directory" tokenize --vocab no.txt
refuse 3 "$(hub no)" tokenize --model no
refuse 3 "vocab.txt: not a folder; give the folder that contains the model's files, ." tokenize --model vocab.txt
refuse 3 "plain: not a regular file" tokenize --vocab plain
: >empty.txt
run 3 tokenize --vocab empty.txt
printf 'a\nb\n' >unfit.txt
run 3 tokenize --vocab unfit.txt
mkdir broken
cp vocab.txt broken
echo '{"do_lower_case": ' >broken/tokenizer_config.json
run 3 tokenize --model broken
"$BERTC" tokenize --vocab vocab.txt <"$here" >"$scratch/out" 2>"$scratch/err"
[ $? = 4 ] || fail "exit code where standard input is a folder"
"$BERTC" tokenize --vocab vocab.txt <&- >"$scratch/out" 2>"$scratch/err"
[ $? = 4 ] || fail "exit code where standard input is closed"

# If the reader of the output ends, the command ends without a message.
yes hello | "$BERTC" tokenize --vocab vocab.txt 2>"$scratch/err" | head -n 1 >"$scratch/out"
same "standard error" "" "$scratch/err" "tokenize | head"
if [ -c /dev/full ]; then
    echo hello | "$BERTC" tokenize --vocab vocab.txt >/dev/full 2>"$scratch/err"
    [ $? = 4 ] || fail "exit code of tokenize > /dev/full"
    same "standard error" "bertc: standard output: cannot write: No space left on device" \
        "$scratch/err" "tokenize > /dev/full"
fi
finish
