#!/bin/sh
# symbols.sh REPOSITORY [LIBRARY]: the exported symbols, the symbols that public headers declare with BERTC_API, and the
# list in symbols.txt are the same.
#
# After a change of the public interface: tests/structure/symbols.sh --write REPOSITORY
set -eu
export LC_ALL=C

declared() {
    cat "$1"/include/bertc/*.h | awk '
        /^BERTC_API / { text = ""; open = 1 }
        open { text = text " " $0 }
        open && /\(/ {
            sub(/\(.*/, "", text)
            count = split(text, word, /[ *]+/)
            print word[count]
            open = 0
        }' | sort
}

if [ "$1" = --write ]; then
    declared "$2" > "$2/tests/structure/symbols.txt"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declared "$1" > "$work/declared"
test -s "$work/declared"
diff -u "$1/tests/structure/symbols.txt" "$work/declared"
if [ $# -gt 1 ]; then
    # Sanitizers add symbols of their own.
    nm -D --defined-only "$2" | awk '{ print $NF }' | grep -v '^__odr_asan' | sort > "$work/exported"
    diff -u "$1/tests/structure/symbols.txt" "$work/exported"
fi
echo "$(wc -l < "$work/declared") symbols"
