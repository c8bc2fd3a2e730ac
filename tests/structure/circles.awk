# Input lines "FROM TO": FROM needs TO. Print each circle among them on one line.
#
# Names that need no remaining name are struck out, until every remaining name needs another one. A walk from any of
# them then returns to a name that it has visited: that is a circle. Its last step is removed, and the search goes on.
$1 != $2 && !(($1, $2) in known) {
    known[$1, $2]
    if (!($1 in fan)) name[++count] = $1
    needs[$1, ++fan[$1]] = $2
}

# Return the first remaining name that `from` needs; "" if there is none.
function next_of(from, i) {
    for (i = 1; i <= fan[from]; i++)
        if ((needs[from, i] in fan) && !(needs[from, i] in gone)) return needs[from, i]
    return ""
}

# Strike out names; return a remaining name, "" if there is none.
function strike(i, more) {
    do {
        more = 0
        for (i = 1; i <= count; i++)
            if (!(name[i] in gone) && next_of(name[i]) == "") {
                gone[name[i]]
                more = 1
            }
    } while (more)
    for (i = 1; i <= count; i++)
        if (!(name[i] in gone)) return name[i]
    return ""
}

END {
    while ((at = strike()) != "") {
        split("", place)
        for (length_of_way = 0; !(at in place); at = next_of(at)) {
            way[++length_of_way] = at
            place[at] = length_of_way
        }
        line = way[place[at]]
        for (i = place[at] + 1; i <= length_of_way; i++) line = line " -> " way[i]
        print line " -> " at
        last = way[length_of_way]
        for (i = 1; i <= fan[last]; i++)
            if (needs[last, i] == at) needs[last, i] = ""
    }
}
