#!/bin/sh
# floors.sh REPOSITORY: which folder may include which.
#
# 1. A folder includes its own files and those of the folders in its row of the table below, nothing else. Text folders
#    (vocab, tokenizer, tasks) and number folders (formats, nn) do not include each other.
# 2. A folder includes only the public headers in its row.
# 3. Each folder and header in a row is included by at least one file, so the table has no outdated entries.
# 4. bertc.h includes all public headers, and each public header includes only headers before it in bertc.h.
# 5. The command line includes only public headers and its own files.
# 6. The headers of oneDNN and of BLAS are included by one file each.
# 7. No files include each other in a circle; NAME.h and NAME.c of a folder count as one file.
# 8. The benchmark and the tests may include everything.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

rooms=$(awk '$0 == "```" { on = 0 } on { print } $0 == "```floors" { on = 1 }' docs/design.md)
test -n "$rooms"

sources=$(find src vocab tokenizer tasks include bench/harness tests -name '*.[ch]' -o -name '*.inc' | LC_ALL=C sort)
test -n "$sources"

# Print "FILE PATH TARGET" for every #include of a file of this repository: PATH is the included file's path, TARGET is
# how it is written. PATH is "?" if a target in quotes does not exist.
includes() {
    awk '
    BEGIN {
        for (i = 1; i < ARGC; i++) known[ARGV[i]]
        count = split("include/ src/ bench/ tests/", folder, " ")
    }
    /^[ \t]*#[ \t]*include[ \t]*["<]/ {
        split($0, part, /[<">]/)
        found = part[2] in known ? part[2] : "?"
        own = FILENAME
        sub(/[^\/]*$/, "", own)
        folder[count + 1] = own
        for (i = count + 1; i > 0 && found == "?"; i--)
            if (folder[i] part[2] in known) found = folder[i] part[2]
        if (found != "?" || $0 ~ /include[ \t]*"/) print FILENAME, found, part[2]
    }' $sources
}

# Print one line for each include that the table does not allow, and for each unused entry of the table.
check_includes() {
    awk -v table="$rooms" -v order="$(sed -n 's/^#include "bertc\/\(.*\)\.h"/\1/p' include/bertc.h |
        tr '\n' ' ')" '
    function room_of(path) {
        sub(/^src\//, "", path)
        sub(/\/[^\/]*$/, "", path)
        return path ~ /^include/ ? "include" : path
    }
    BEGIN {
        lines = split(table, line, "\n")
        for (i = 1; i <= lines; i++) {
            words = split(line[i], word, " ")
            for (j = 2; j <= words; j++) {
                if (word[j] == ":") public[word[1]]
                else if (word[1] in public) sees[word[1], word[j]] = 0
                else may[word[1], word[j]] = 0
            }
        }
        count = split(order, word, " ")
        for (i = 1; i <= count; i++) rank[word[i]] = i
    }
    $1 ~ /^(bench|tests)\// { next }
    {
        room = room_of($1)
        name = $2
        sub(/^include\/(bertc\/)?/, "", name)
        sub(/\.h$/, "", name)
        good = 0
        if (room == "include") {
            own = $1
            sub(/^include\/bertc\//, "", own)
            sub(/\.h$/, "", own)
            if ($1 == "include/bertc.h") good = name in rank
            else good = (own in rank) && (name in rank) && rank[name] < rank[own]
        } else if ($2 ~ /^include\//) good = (room, "*") in sees || sees_it(room, name)
        else good = may_see(room, room_of($2))
        if (!good) print $1 ": may not include \"" $3 "\""
    }
    function sees_it(room, name) {
        return (room, name) in sees ? ++sees[room, name] : 0
    }
    function may_see(room, other) {
        return (room, other) in may ? ++may[room, other] : 0
    }
    END {
        for (pair in may) if (!may[pair]) report(pair, "the room")
        for (pair in sees) if (!sees[pair] && pair !~ /\*$/) report(pair, "the public header")
    }
    function report(pair, what) {
        split(pair, word, SUBSEP)
        print "floors.sh: " word[1] " may include " what " " word[2] ", but does not"
    }'
}

# Print each file other than $2 that includes <$1...>.
check_only() {
    grep -l "^[ \t]*#[ \t]*include[ \t]*[<\"]$1" $sources | grep -vxF "$2" |
        sed "s|$|: only $2 may include <$1...>|"
}

# Print each public header that bertc.h does not include.
check_public() {
    for header in include/bertc/*.h; do
        grep -q "^#include \"${header#include/}\"$" include/bertc.h || echo "$header: not in bertc.h"
    done
}

# Print the circles.
check_circles() {
    sed 's/\.[a-z]* / /g' | awk '$2 != "?" { print $1, $2 }' | awk -f "$here/circles.awk" |
        sed 's/^/in a circle: /'
}

list=$(includes)
test -n "$list"
found=$(
    echo "$list" | check_includes
    check_only dnnl src/nn/gemm/gemm_onednn.c
    check_only oneapi src/nn/gemm/gemm_onednn.c
    check_only cblas src/nn/gemm/gemm_openblas.c
    check_public
    echo "$list" | check_circles
)
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
echo "$(echo "$list" | wc -l) includes of $(echo "$sources" | wc -l) files keep to the floors"
