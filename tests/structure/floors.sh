#!/bin/sh
# floors.sh REPOSITORY: who may include whom.
#
# 1. A room includes its own files and those of the rooms listed for it below, nothing else. The text
#    wing (vocab, tokenizer, tasks) and the number wing (formats, nn) do not see each other.
# 2. Of the public headers a room sees those listed for it.
# 3. A public header includes only headers that stand before it in bertc.h.
# 4. The command line sees the public headers and its own files.
# 5. oneDNN's and BLAS's headers are seen by one file each.
set -eu
cd "$1"

rooms='
base       base                                            : status threads
vocab      base vocab                                      : status vocab
formats    base formats                                    : status config
tokenizer  base vocab tokenizer                            : status vocab tokenizer
nn         base formats nn                                 : status threads config batch model inspect
tasks      base vocab tokenizer tasks                      : status vocab tokenizer task
train      base vocab formats tokenizer nn tasks train     : *
cli        cli                                             : *
'

sources=$(find src vocab tokenizer tasks include -name '*.[ch]' | LC_ALL=C sort)
test -n "$sources"

# "FILE TARGET" for every #include "TARGET".
includes() {
    for file in $sources; do
        sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" |
            while read -r target; do echo "$file $target"; done
    done
}

# Prints one line for each include that the tables above do not allow.
check_includes() {
    awk -v table="$rooms" -v order="$(sed -n 's/^#include "bertc\/\(.*\)\.h"/\1/p' include/bertc.h |
        tr '\n' ' ')" '
    function room_of(path,    part) {
        split(path, part, "/")
        return part[1] == "src" ? part[2] : part[1]
    }
    BEGIN {
        lines = split(table, line, "\n")
        for (i = 1; i <= lines; i++) {
            words = split(line[i], word, " ")
            public = 0
            for (j = 2; j <= words; j++) {
                if (word[j] == ":") public = 1
                else if (public) sees[word[1], word[j]] = 1
                else may[word[1], word[j]] = 1
            }
            if (words) known[word[1]] = 1
        }
        count = split(order, word, " ")
        for (i = 1; i <= count; i++) rank[word[i]] = i
    }
    {
        room = room_of($1)
        target = $2
        name = target
        sub(/^bertc\//, "", name)
        sub(/\.h$/, "", name)
        public = target == "bertc.h" || target ~ /^bertc\//
        if (room == "include") {
            own = $1
            sub(/^include\/bertc\//, "", own)
            sub(/\.h$/, "", own)
            if ($1 == "include/bertc.h") good = public
            else good = (own in rank) && (name in rank) && rank[name] < rank[own]
        } else if (!(room in known)) good = 0
        else if (public) good = (room, "*") in sees || (room, name) in sees
        else if (target ~ /\//) good = (room, room_of(target)) in may
        else good = 1
        if (!good) print $1 ": may not include \"" target "\""
    }'
}

# Prints each file other than $2 that includes <$1...>.
check_only() {
    for file in $sources; do
        if [ "$file" != "$2" ] && grep -q "#[ ]*include[ ]*<$1" "$file"; then
            echo "$file: only $2 may include <$1...>"
        fi
    done
}

list=$(includes)
test -n "$list"
found=$(
    echo "$list" | check_includes
    check_only dnnl src/nn/gemm_onednn.c
    check_only oneapi src/nn/gemm_onednn.c
    check_only cblas src/nn/gemm_openblas.c
)
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
echo "$(echo "$list" | wc -l) includes of $(echo "$sources" | wc -l) files keep to the floors"
