# Lines "FROM TO": FROM needs TO. Prints the circles that they make, one a line, none where there are none.
#
# What needs nothing more is struck out, until all that stays needs something that stays. From any of these the way
# comes back to where it was: that is a circle, whose last step is struck out, and so on.
$1 != $2 && !(($1, $2) in known) {
    known[$1, $2]
    if (!($1 in fan)) name[++count] = $1
    needs[$1, ++fan[$1]] = $2
}

# The first thing that `from` needs and that stays; "" where there is none.
function next_of(from, i) {
    for (i = 1; i <= fan[from]; i++)
        if ((needs[from, i] in fan) && !(needs[from, i] in gone)) return needs[from, i]
    return ""
}

# Strike out; returns one that stays, "" where none does.
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
