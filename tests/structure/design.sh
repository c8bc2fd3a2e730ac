#!/bin/sh
# design.sh REPOSITORY BERTC: the pictures in docs/design.md are those of the source.
#
# 1. Path of a batch: each function is defined in the file that its row names, and called in the file of the row that
#    it is indented under.
# 2. Workspace: the rows are the buffers that src/nn/workspace.c takes from the arena, in the order of the calls.
# 3. Checkpoint: the tensors are those of a checkpoint that the program leaves when it is stopped.
# The table of folders is read by floors.sh.
set -eu
cd "$1"
bertc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# block NAME: the lines between ```NAME and ```.
block() {
    awk -v name="$1" '$0 == "```" { on = 0 } on { print } $0 == "```" name { on = 1 }' docs/design.md
}

fail() {
    echo "docs/design.md: $1"
    touch "$work/failed"
}

block path >"$work/path"
test -s "$work/path"
awk '{
    match($0, /^ */)
    depth = RLENGTH / 2
    file[depth] = $1
    print $1, $2, depth > 0 ? file[depth - 1] : "-"
}' "$work/path" | while read -r file function caller; do
    [ -f "$file" ] || { fail "no file $file"; continue; }
    grep -qE "^[a-z].*[ *]$function\(" "$file" || fail "$function is not defined in $file"
    [ "$caller" = - ] || grep -q "[^a-z_]$function(" "$caller" || fail "$function is not called in $caller"
done
