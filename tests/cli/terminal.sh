# Output on a terminal: a live line that is cleared at the end, and colour unless NO_COLOR is set or the terminal is
# dumb. `script` gives the program a terminal.
. "$(dirname "$0")/lib.sh"

if ! script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    echo "skipped: 'script' cannot make a terminal here"
    exit 77
fi
escape=$(printf '\033')
return=$(printf '\r')

# shown TERM NO_COLOR COMMAND: run the command; its standard error goes to $scratch/shown.
shown() {
    checks=$((checks + 1))
    TERM=$1 NO_COLOR=$2 script -qec "$3 >'$scratch/out'" /dev/null </dev/null >"$scratch/shown" ||
        fail "exit code of: $3"
}
has() {
    grep -qF -e "$1" "$scratch/shown" || fail "$2: $(cat -v "$scratch/shown")"
}
lacks() {
    if grep -qF -e "$1" "$scratch/shown"; then fail "$2: $(cat -v "$scratch/shown")"; fi
}
eval="'$BERTC' eval --task sst2 --model '$RUN' --data '$SAMPLE' --limit 8 --batch-size 4 --threads 1"

shown xterm "" "$eval"
has "$return$escape[1meval$escape[0m " "no live line in colour"
[ "$(tail -c 4 "$scratch/shown")" = "$return$escape[K" ] || fail "the live line is not cleared"
[ "$(head -c 4 "$scratch/out")" = task ] || fail "the result is not on standard output"

shown xterm 1 "$eval"
has "${return}eval " "no live line without colour"
lacks "$escape[1m" "colour in spite of NO_COLOR"

shown dumb "" "$eval"
lacks "$escape" "escapes on a dumb terminal"
has "eval 2/2" "no plain line on a dumb terminal"

TERM=xterm NO_COLOR= script -qec "'$BERTC' evla" /dev/null </dev/null >"$scratch/shown" &&
    fail "exit code of an unknown command"
has "$escape[1;31mbertc:$escape[0m unknown command" "no colour in a complaint"
finish
