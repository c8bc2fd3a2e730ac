# Sourced by the tests of the command line: run bertc and compare exit code, standard output,
# standard error and the files around it.
#
# BERTC names the program, SAMPLE a folder that `bertc sample` wrote, RUN a folder that
# `bertc finetune` wrote on it.
set -u
LC_ALL=C TERM=dumb
export LC_ALL TERM
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
mkdir "$scratch/here"
cd "$scratch/here" || exit 1
trap 'rm -rf "$scratch"' EXIT
input=/dev/null
failures=0 checks=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
}

# Print every file below the working folder with its checksum, and every folder.
listing() {
    { find . -type f -exec cksum {} + ; find . ! -type f; } | sort
}

# same WHAT EXPECTED FILE ARG...: expect the file to contain exactly the text (ignoring a final newline).
same() {
    what=$1 expected=$2 file=$3
    shift 3
    actual=$(cat "$file" && echo x)
    [ "$actual" = "${expected}${expected:+
}x" ] && return
    fail "$what of: bertc $*"
    printf -- '--- expected\n%s\n--- got\n' "$expected"
    cat "$file"
}

# run CODE ARG...: run bertc with standard input from $input and outputs to $scratch/out and $scratch/err; expect the
# exit code, and no new files if it fails.
run() {
    code=$1
    shift
    checks=$((checks + 1))
    [ "$code" = 0 ] || before=$(listing)
    "$BERTC" "$@" <"$input" >"$scratch/out" 2>"$scratch/err"
    got=$?
    if [ "$got" != "$code" ]; then
        fail "exit code $got, expected $code, of: bertc $*"
        cat "$scratch/err"
    fi
    [ "$code" = 0 ] || [ "$before" = "$(listing)" ] || fail "files changed by: bertc $*"
}

# expect CODE OUT ERR ARG...: run bertc; expect exactly this exit code and these outputs.
expect() {
    out=$2 err=$3
    code=$1
    shift 3
    run "$code" "$@"
    same "standard output" "$out" "$scratch/out" "$@"
    same "standard error" "$err" "$scratch/err" "$@"
}

# The files of a model folder. hub NAME: print the message about a model folder that does not exist.
model_files="config.json, model.safetensors, vocab.txt and tokenizer_config.json"
folder="a model is a folder with $model_files"
hub() {
    echo "$1: no such folder, and bertc downloads nothing: put the files of that model ($model_files) into a folder and give that"
}

# refuse CODE MESSAGE ARG...: run bertc; expect nothing on standard output, the line "bertc: MESSAGE" on standard error
# and no new files.
refuse() {
    code=$1 message=$2
    shift 2
    expect "$code" "" "bertc: $message" "$@"
}

# contains FILE TEXT...: expect each text as a complete line of the file.
contains() {
    file=$1
    shift
    for text in "$@"; do
        checks=$((checks + 1))
        grep -qxF -e "$text" "$file" || fail "no line '$text' in $file"
    done
}

finish() {
    [ "$checks" -gt 0 ] || fail "nothing was checked"
    printf '%d checks, %d failures\n' "$checks" "$failures"
    [ "$failures" = 0 ]
    exit
}
