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
base          base                                                       : status threads
vocab         base vocab                                                 : status vocab
tokenizer     base vocab tokenizer                                       : status vocab tokenizer
tasks         base vocab tokenizer tasks                                 : status vocab tokenizer task
tasks/glue    base tasks tasks/glue                                      : status task
tasks/sample  base tasks/sample                                          : status task
formats       base formats                                               : status config
nn/gemm       base nn/gemm                                               : status model
nn/ops        base nn/gemm nn/ops                                        : status config batch
nn/heads      base nn/gemm nn/ops nn nn/heads                            : status batch
nn            base formats nn/gemm nn/ops nn                             : status threads config batch model
data          base tasks data                                            : status task batch train
optim         base nn/gemm nn optim                                      : status train
dist          dist                                                       :
train         base nn/gemm nn/ops nn data optim dist train               : status batch model train
run           base vocab formats tokenizer tasks nn/gemm nn/ops nn data optim train run      : *
jobs          base vocab formats tokenizer tasks nn/gemm nn/ops nn data optim train run jobs : *
cli           cli                                                        : *
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
    function room_of(path) {
        sub(/^src\//, "", path)
        sub(/\/[^\/]*$/, "", path)
        return path ~ /^include/ ? "include" : path
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
        else good = (room, room_of(target)) in may
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
    check_only dnnl src/nn/gemm/gemm_onednn.c
    check_only oneapi src/nn/gemm/gemm_onednn.c
    check_only cblas src/nn/gemm/gemm_openblas.c
)
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
echo "$(echo "$list" | wc -l) includes of $(echo "$sources" | wc -l) files keep to the floors"
