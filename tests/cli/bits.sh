# tests/bits.sh, which compares two programs: what it says where they do the same, and where they do not.
. "$(dirname "$0")/lib.sh"

# compared CODE LINES OLD NEW PATTERN...: the exit code, and all that is said but where the folders are
compared() {
    code=$1 lines=$2
    shift 2
    checks=$((checks + 1))
    TMPDIR=$scratch sh "$here/../bits.sh" "$@" >"$scratch/out" 2>"$scratch/err"
    got=$?
    [ "$got" = "$code" ] || fail "exit code $got, not $code, of bits.sh $*: $(cat "$scratch/out" "$scratch/err")"
    sed "/^what differs is in /d; ${edit:-}" "$scratch/out" >said
    same "what is said" "$lines" said "bits.sh $*"
}

# program LINE...: a program that does these lines first
program() {
    { echo '#!/bin/sh'; printf '%s\n' "$@" "exec \"$BERTC\" \"\$@\""; } >program
    chmod +x program
}

compared 0 "same truncate
1 cases: 1 same, 0 text differs, 0 skipped, 0 DIFFERS or FAILS" "$BERTC" "$BERTC" truncate

# Another rate
program '[ "$1" != finetune ] || set -- "$@" --lr 6e-4'
edit='s/ run\/[^ ]*\.\(json\|tsv\|logits\)\>//g; s/ [0-9]\.out//g' # some of these may be the same on some processor
compared 1 "DIFFERS bias: run/log.jsonl run/model.safetensors
1 cases: 0 same, 0 text differs, 0 skipped, 1 DIFFERS or FAILS" "$BERTC" ./program bias
edit=

# Another message, other help, another exit code
program 'echo so >&2' 'case $1 in help) echo so ;; embed) exit 4 ;; esac'
compared 1 "DIFFERS embed-json: 1.code 1.out
text differs inspect: 1.text
text differs help: 1.help.text 1.text
3 cases: 0 same, 2 text differs, 0 skipped, 1 DIFFERS or FAILS" "$BERTC" ./program help inspect embed-json
compared 0 "text differs inspect: 1.text
1 cases: 0 same, 1 text differs, 0 skipped, 0 DIFFERS or FAILS" "$BERTC" ./program inspect

# A case that shows nothing, where both fail alike
program 'case $1 in tasks) exit 4 ;; esac'
compared 1 "FAILS tasks: old: exit code 4, not 0, of 'bertc tasks': 
1 cases: 0 same, 0 text differs, 0 skipped, 1 DIFFERS or FAILS" ./program ./program tasks

compared 2 "" "$BERTC"
compared 2 "" "$BERTC" "$BERTC" such-a-case
compared 2 "" "$BERTC" ./none
[ "$(cat "$scratch/err")" = "bits.sh: ./none: no program" ] || fail "$(cat "$scratch/err")"
finish
