#!/bin/sh
# calls.sh OBJECT...: no source files need each other's functions or data in a circle. Includes alone do not show this,
# because a header may declare what several files define.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "FILE TYPE SYMBOL" from the objects' symbol tables.
nm -A -g "$@" | sed -n 's/^.*\.dir\/\(\.\/\)*\([^:]*\)\.c\.o:[0-9a-f ]* \([A-Za-z]\) /\2 \3 /p' >"$work/symbols"
awk '
$2 ~ /[uUvVwW]/ { next }
{ print $3, $1 }' "$work/symbols" >"$work/defined"
test -s "$work/defined"
awk '
NR == FNR { of[$1] = $2; next }
$2 == "U" && ($3 in of) { print $1, of[$3] }' "$work/defined" "$work/symbols" >"$work/needs"
test -s "$work/needs"
awk -f "$here/circles.awk" "$work/needs" >"$work/found"
if [ -s "$work/found" ]; then
    sed 's/^/in a circle: /' "$work/found"
    exit 1
fi
echo "$(awk '{ print $1 }' "$work/needs" | sort -u | wc -l) files need others, none in a circle"
