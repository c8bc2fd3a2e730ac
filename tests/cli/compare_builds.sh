# tests/compare-builds.sh, which compares two programs: its report if they agree and if they differ.
. "$(dirname "$0")/lib.sh"

# compared CODE LINES OLD NEW PATTERN...: expect the exit code and the report, without the paths of folders
compared() {
    code=$1 lines=$2
    shift 2
    checks=$((checks + 1))
    TMPDIR=$scratch sh "$here/../compare-builds.sh" "$@" >"$scratch/out" 2>"$scratch/err"
    got=$?
    [ "$got" = "$code" ] || fail "exit code $got, not $code, of compare-builds.sh $*: $(cat "$scratch/out" "$scratch/err")"
    sed "/^what differs is in /d; ${edit:-}" "$scratch/out" >said
    same "what is said" "$lines" said "compare-builds.sh $*"
}

# program LINE...: make a program that runs these lines first
program() {
    { echo '#!/bin/sh'; printf '%s\n' "$@" "exec \"$BERTC\" \"\$@\""; } >program
    chmod +x program
}

# Another message
program 'case $1 in inspect) echo so >&2 ;; esac'
compared 0 "same truncate
text differs inspect: 1.text
2 cases: 1 same, 1 text differs, 0 adds, 0 skipped, 0 DIFFERS or FAILS" "$BERTC" ./program inspect truncate

# Another rate, another exit code, other help
program 'case $1 in finetune) set -- "$@" --lr 6e-4 ;; help) echo so ;; embed) exit 4 ;; esac'
edit='s/ run\/[^ ]*\.\(json\|tsv\|logits\)\>//g; s/ run\/predictions[^ ]*//; s/ 2\.out//' # these may agree on some processors
compared 1 "DIFFERS bias: 1.out run/log.jsonl run/model.safetensors
DIFFERS embed-json: 1.code 1.out
text differs help: 1.help.text
3 cases: 0 same, 1 text differs, 0 adds, 0 skipped, 2 DIFFERS or FAILS" "$BERTC" ./program bias help embed-json
edit=

# A new file, and new members of run.json
program 'case $1 in finetune) "'"$BERTC"'" "$@" || exit; echo so >run/more.json' \
    'sed "1s/{/{\"more\":[1,2],/; s/\"options\":{/&\"wide\":null,/" run/run.json >r && mv r run/run.json; exit ;; esac'
compared 0 "adds bias: run/more.json run/run.json(more,options.wide)
1 cases: 0 same, 0 text differs, 1 adds, 0 skipped, 0 DIFFERS or FAILS" "$BERTC" ./program bias

# A changed member of run.json, and a missing one
program 'case $1 in finetune) "'"$BERTC"'" "$@" || exit' \
    'sed "s/\"keep\":\"last\"/\"keep\":\"best\"/" run/run.json >r && mv r run/run.json; exit ;; esac'
compared 1 "DIFFERS bias: run/run.json
1 cases: 0 same, 0 text differs, 0 adds, 0 skipped, 1 DIFFERS or FAILS" "$BERTC" ./program bias
program 'case $1 in finetune) "'"$BERTC"'" "$@" || exit' \
    'sed "s/\"seed\":42,//" run/run.json >r && mv r run/run.json; exit ;; esac'
compared 1 "DIFFERS bias: run/run.json
1 cases: 0 same, 0 text differs, 0 adds, 0 skipped, 1 DIFFERS or FAILS" "$BERTC" ./program bias

# A case in which both programs fail in the same way, which shows nothing
program 'case $1 in tasks) exit 4 ;; esac'
compared 1 "FAILS tasks: old: exit code 4, not 0, of 'bertc tasks': 
1 cases: 0 same, 0 text differs, 0 adds, 0 skipped, 1 DIFFERS or FAILS" ./program ./program tasks

compared 2 "" "$BERTC"
compared 2 "" "$BERTC" ./none
[ "$(cat "$scratch/err")" = "compare-builds.sh: ./none: no program" ] || fail "$(cat "$scratch/err")"
finish
