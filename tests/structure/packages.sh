#!/bin/sh
# packages.sh REPOSITORY: scripts/packages.sh as root, with sudo, without sudo, and with a sudo that refuses. The tools
# that it calls are fakes in the only folder of PATH.
set -eu
repository=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
    failures=$((failures + 1))
    echo "FAILED: $*"
}

# tool NAME LINE: make a fake tool.
tool() {
    printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# machine USER: make a new PATH; have-this is installed.
machine() {
    rm -rf "$work/bin"
    mkdir "$work/bin"
    : >"$work/log"
    tool id "echo $1"
    tool dpkg-query 'for last; do :; done; [ "$last" = have-this ] && echo installed'
    tool apt-get 'echo "apt-get $*" >>"'"$work"'/log"'
    tool env 'shift; exec "$@"'
}

# expect CODE LOG ERR PACKAGE...: expect the exit code, the commands run as root, and standard error.
expect() {
    code=$1 log=$2 err=$3
    shift 3
    got=0
    PATH=$work/bin /bin/sh -euc '. "$0/scripts/packages.sh"; install_packages "$@"; echo went on' "$repository" "$@" \
        </dev/null >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = "$code" ] || fail "exit code $got, expected $code, of $*"
    [ "$(cat "$work/log")" = "$log" ] || fail "run was: $(cat "$work/log"), expected: $log"
    [ "$(cat "$work/err")" = "$err" ] || fail "standard error is: $(cat "$work/err")"
    if [ "$code" = 0 ]; then tail -n 1 "$work/out"; else echo "went on"; fi | grep -qx "went on" || fail "does not go on"
    if [ "$code" != 0 ] && grep -q "went on" "$work/out"; then fail "goes on"; fi
}
line="  apt-get update && apt-get install -y --no-install-recommends one two"
refusal="Packages are missing, and installing them needs root. An administrator can install them with
$line"
done="apt-get update -qq
apt-get install -y -qq --no-install-recommends one two"

machine 1000 # no sudo
expect 1 "" "$refusal" one have-this two
expect 0 "" "" have-this
machine 1000 # sudo would ask for a password
tool sudo '[ "$1" != -n ] || { echo "sudo: a password is required" >&2; exit 1; }; exec "$@"'
expect 1 "" "$refusal" one two
machine 1000 # sudo asks nothing
tool sudo '[ "$1" != -n ] || shift; [ "$1" = true ] || exec "$@"'
expect 0 "$done" "" one two
machine 0
expect 0 "$done" "" one have-this two
tool apt-get 'echo "E: no network" >&2; exit 100'
: >"$work/log"
expect 1 "" "E: no network
The packages could not be installed. An administrator can install them with
$line" one two

# The quickstart ends there too, before it builds anything.
machine 1000
ln -s "$(command -v dirname)" "$work/bin/dirname"
tool dpkg-query 'exit 1'
if PATH=$work/bin /bin/sh "$repository/scripts/quickstart.sh" "$work/quick" </dev/null >"$work/out" 2>"$work/err"; then
    fail "the quickstart goes on without its packages"
fi
grep -q "^  apt-get update && apt-get install -y --no-install-recommends .*libdnnl-dev" "$work/err" ||
    fail "the quickstart says: $(cat "$work/err")"
[ ! -e "$work/quick" ] || fail "the quickstart leaves a folder"
[ "$failures" = 0 ]
