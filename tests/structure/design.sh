#!/bin/sh
# design.sh REPOSITORY: the pictures in docs/design.md show the source as it is.
#
# 1. Path of a batch: each function is defined in the file of its row and called in the file of the row above it that
#    it is indented under.
# 2. Checkpoint: the names are those that tests/unit/jobs_checkpoint.c finds in a checkpoint.
#
# floors.sh reads the table of folders, and tests/unit/nn_workspace.c reads the table of the workspace.
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# block NAME: the lines between ```NAME and ```.
block() {
    awk -v name="$1" '$0 == "```" { on = 0 } on { print } $0 == "```" name { on = 1 }' docs/design.md
}

block path | awk '{
    match($0, /^ */)
    depth = RLENGTH / 2
    file[depth] = $1
    print $1, $2, (depth > 0 ? file[depth - 1] : "-")
}' >"$work/path"
while read -r file function caller; do
    [ -f "$file" ] || { echo "no file $file"; continue; }
    grep -qE "^[a-z].*[ *]$function\(" "$file" || echo "$function is not defined in $file"
    [ "$caller" = - ] || grep -qE "^ .*\<$function\(" "$caller" || echo "$function is not called in $caller"
done <"$work/path" >"$work/wrong"

block checkpoint | awk '$1 == "tensor" { print $2 } $1 == "metadata" { print $2 }' | sort >"$work/names"
awk '/^static void test_layout/ { on = 1 } on && /keys\[\] = |bc_weights_find/ { print } /^}/ { on = 0 }' \
    tests/unit/jobs_checkpoint.c | grep -o '"[a-z0-9]*"' | tr -d '"' | sort >"$work/tested"
cmp -s "$work/names" "$work/tested" || {
    echo "the checkpoint has other names in tests/unit/jobs_checkpoint.c:"
    diff "$work/names" "$work/tested" || true
} >>"$work/wrong"

[ "$(wc -l <"$work/path")" -gt 20 ] && [ "$(wc -l <"$work/names")" -eq 9 ] || echo "blocks are missing" >>"$work/wrong"
sed 's|^|docs/design.md: |' "$work/wrong"
test ! -s "$work/wrong"
echo "$(wc -l <"$work/path") functions and $(wc -l <"$work/names") names of a checkpoint are as docs/design.md shows them"
