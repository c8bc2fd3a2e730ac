# Outputs of predict, embed, init, sample and truncate are complete or absent: with other writers, for every kind of
# path, and after every way to end.
. "$(dirname "$0")/lib.sh"

small="--layers 1 --hidden 8 --heads 2"
predict="predict --task sst2 --model $RUN --threads 1"
printf 'a fine film\nthe plot is dull\n' >lines
cp "$SAMPLE/vocab.txt" .

# holds NAMES: the working folder contains exactly these and the two files above.
holds() {
    checks=$((checks + 1))
    found=$(ls -A | grep -vx -e lines -e vocab.txt | tr '\n' ' ')
    [ "$found" = "$1" ] || fail "'$found' is there, expected '$1'"
}

# ---- Two processes at once: one succeeds, the other reports why it failed, and nothing is lost.
for command in "sample" "init --vocab vocab.txt $small" "truncate --model $SAMPLE/model --keep-layers 1"; do
    for there in no yes; do
        [ $there = no ] || mkdir out
        for i in 1 2; do
            { "$BERTC" $command --out out 2>"$scratch/err$i"; echo $? >"$scratch/code$i"; } &
        done
        wait
        [ "$(sort "$scratch/code1" "$scratch/code2" | tr '\n' ' ')" = "0 2 " ] ||
            fail "exit codes $(cat "$scratch/code1" "$scratch/code2") of two at once: $command"
        [ "$(cat "$scratch/err1" "$scratch/err2")" = "bertc: out: is not empty, choose another folder" ] ||
            fail "messages of two at once: $(cat "$scratch/err1" "$scratch/err2")"
        holds "out "
        run 0 $command --out again
        diff -r out again || fail "two at once leave something else: $command"
        rm -r out again
    done
done

# ---- Links, mount points and other kinds of paths
mkdir -m 2750 empty
ln -s empty link
ln -s nowhere dangling
run 0 init --vocab vocab.txt --out link/ $small
[ -L link ] && [ -s empty/config.json ] || fail "init replaced a link to an empty folder"
[ "$(stat -c %a empty)" = 2750 ] || fail "init gave an empty folder another mode"
run 0 init --vocab vocab.txt --out dangling $small
[ -L dangling ] && [ -s nowhere/config.json ] || fail "init replaced a dangling link"
holds "dangling empty link nowhere "
rm -r dangling empty link nowhere
mkdir work
cd work || exit 1
for out in . ../work/ "$PWD"; do
    refuse 2 "${out%/}: is the working folder, give a folder in it" init --vocab ../vocab.txt --out $out $small
done
cd ..
rmdir work
mkfifo pipe
refuse 4 "pipe: cannot open: Not a directory" sample --out pipe
refuse 4 "pipe/new: cannot open: Not a directory" sample --out pipe/new
ln -s circle circle
refuse 4 "circle: cannot open: Too many levels of symbolic links" sample --out circle
rm circle
if unshare -rm true 2>/dev/null; then # as root of a new namespace
    mkdir mount
    unshare -rm sh -c 'mount -t tmpfs none mount && exec "$1" sample --out mount' sh "$BERTC" 2>"$scratch/err"
    same "standard error" "bertc: mount: is a mount point, give a folder in it" "$scratch/err" sample --out mount
    rmdir mount
fi
refuse 3 "no.txt: cannot open: No such file or directory" init --vocab no.txt --out new/er/still $small
holds "pipe "

# ---- Results go to the given path and are complete.
input=lines
run 0 $predict
cp "$scratch/out" expected
cat pipe >through &
run 0 $predict --out pipe --logits logits
wait
cmp through expected || fail "predict into a pipe"
echo first >appended
"$BERTC" $predict --out /dev/stdout <lines >>appended 2>/dev/null || fail "predict to /dev/stdout"
"$BERTC" $predict --out /dev/fd/3 <lines 3>>appended 2>/dev/null || fail "predict to /dev/fd/3"
{ echo first; cat expected expected; } | cmp - appended || fail "predict to the descriptor of a file"
same="--out and --logits are the same file"
"$BERTC" $predict --logits both <lines >both 2>"$scratch/err" && fail "predict replaces its standard output"
same "standard error" "bertc: $same" "$scratch/err" "predict --logits both >both"
refuse 2 "$same" $predict --out pipe --logits ./pipe
refuse 2 "$same" $predict --out - --logits /dev/stdout
refuse 2 "$same" $predict --out both --logits ../here/both
rm through appended both logits

# ---- A process that is ended while it writes: `kept` is still temporary, the pipe has no reader.
echo before >kept
start() {
    "$BERTC" $predict --out kept --logits pipe <lines 2>"$scratch/err" &
    pid=$!
    while ! ls -A | grep -q '^\.kept\.bertc-' && kill -0 $pid; do :; done
}
for row in "INT 130" "TERM 143"; do
    start
    kill -"${row% *}" $pid
    wait $pid
    got=$?
    [ $got = "${row#* }" ] || fail "exit code $got after SIG${row% *}"
    same "standard error" "stopping; another signal ends at once, without saving
bertc: stopped" "$scratch/err" predict
    holds "expected kept pipe "
done
start
left=$(ls -A | grep '^\.kept\.bertc-')
run 0 $predict --out kept # the temporary file of another process stays
[ -e "$left" ] || fail "predict removed what another writes"
kill -KILL $pid
wait $pid
[ -e "$left" ] || fail "nothing was left: this test shows nothing"
: >.kept.bertc-mine
run 0 $predict --out kept
holds ".kept.bertc-mine expected kept pipe "
cmp kept expected || fail "predict after one that was killed"
# ---- An output that would replace an input
cp -r "$RUN" spared
mkdir data
cp -r "$SAMPLE/SST-2" data
printf 'a fine film\n' >texts
refuse_spare() {
    target=$1
    shift
    refuse 2 "$target: is an input file or belongs to the model; choose another --$option" "$@"
}
option=out
refuse_spare data/SST-2/test.tsv predict --task sst2 --model spared --data data --split test --limit 3 --out data/SST-2/test.tsv
refuse_spare data/SST-2/dev.tsv embed --task sst2 --model spared --data data/SST-2 --limit 3 --out data/SST-2/dev.tsv
refuse_spare spared/vocab.txt predict --task sst2 --model spared --data data --split test --limit 3 --out spared/vocab.txt
ln -s spared/model.safetensors way
refuse_spare way embed --model spared --out way
input=texts
refuse_spare texts embed --model spared --out texts
input=/dev/null
option=logits
refuse_spare spared/config.json predict --task sst2 --model spared --data data --split test --limit 3 --logits spared/config.json
input=texts
run 0 embed --model spared --out data/SST-2/features.jsonl
input=/dev/null

finish
