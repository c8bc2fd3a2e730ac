#!/bin/sh
# laws.sh REPOSITORY: two rules that the source text shows.
#
# 1. Only run, jobs and cli use option names: no string in the other folders contains "--name", or "--" before an
#    inserted name. Comments may.
# 2. No address is stored as a number, except for alignment: such a number could drop const. (The compiler warns of
#    casts that drop const.)
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Print where files break the rules.
scan() {
    awk '
# Return a string with the escapes of letters and hyphens resolved.
function plain(text, out, escape, number) {
    out = ""
    while (match(text, /\\([0-7]+|x[0-9a-fA-F]+|u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]|[^xu0-7])/)) {
        escape = substr(text, RSTART + 1, RLENGTH - 1)
        if (escape ~ /^[0-7]/ && RLENGTH > 4) RLENGTH = 4
        out = out substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + RLENGTH)
        number = escape ~ /^[xu]./ ? value(substr(escape, 2), 16) : escape ~ /^[0-7]/ ? value(substr(escape, 1, 3), 8) : 1
        out = out sprintf("%c", number > 31 && number < 127 ? number : 1)
    }
    return out text
}
function value(digits, base, number, i) {
    number = 0
    for (i = 1; i <= length(digits); i++)
        number = number * base + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
    return number
}
# Adjacent strings are one string.
function end_string() {
    if (!spoken && (string ~ /--[a-z]/ || string ~ /(^|[^A-Za-z0-9_])--(%|$)/))
        print place ": a string holds the name of an option: \"" string "\""
    string = ""
}
FNR == 1 {
    end_string()
    comment = 0
    half = ""
    spoken = FILENAME ~ /^src\/(run|jobs|cli)\//
    aligner = FILENAME == "src/base/memory.c"
}
{
    line = half $0
    half = ""
    if (line ~ /\\$/) {
        half = substr(line, 1, length(line) - 1)
        next
    }
    while (line != "") {
        if (comment) {
            comment = !match(line, /\*\//)
            line = comment ? "" : substr(line, RSTART + 2)
        } else if (match(line, /^[ \t]+/)) {
            line = substr(line, RLENGTH + 1)
        } else if (line ~ /^\/\*/) {
            comment = 1
            line = substr(line, 3)
        } else if (line ~ /^\/\//) {
            line = ""
        } else if (match(line, /^(u8|[uUL])?"([^"\\]|\\.)*"/)) {
            if (string == "") place = FILENAME ":" FNR
            quote = index(line, "\"")
            text = substr(line, quote + 1, RLENGTH - quote - 1)
            line = substr(line, RLENGTH + 1)
            string = string plain(text)
        } else {
            end_string()
            if (match(line, /^[A-Za-z0-9_]+/) && substr(line, 1, RLENGTH) ~ /^u?intptr_t$/ && !aligner)
                print FILENAME ":" FNR ": an address is kept as a number"
            if (!match(line, /^[A-Za-z0-9_]+/) && !match(line, /^\047([^\047\\]|\\.)*\047/) &&
                !match(line, /^[^A-Za-z0-9_"\047\/ \t]+/))
                RLENGTH = 1
            line = substr(line, RLENGTH + 1)
        }
    }
}
END { end_string() }' "$@"
}

# Lines that must be reported, one each, and lines that must not.
cat >"$work/bad.c" <<'END'
char *a = "give --task T", *b = "--%s", *c = "one";
char *a = "-" /* and */ "-task" "";
char *a = "--" NAME;
char *a = "\x2d\055task", b = 'b';
char a = '"', *b = "--task";
char *a = "a \" /* ", *b = "--task"; // */
void *a = (void *)(uintptr_t)b;
END
cat >"$work/good.c" <<'END'
/* "--task" // */ int a = b--; // "--task"
/* "
--task, uintptr_t " */ char *a = "-", *b = "-task", c = '"'; int uintptr = 1; /* " --task */
char *a = "models--", *b = "a -- b, uintptr_t \" //";
END
scan "$work/good.c" "$work/bad.c" >"$work/found"
sed 's/^[^:]*:\([0-9]*\):.*/\1/' "$work/found" | uniq >"$work/lines"
if grep -q good.c "$work/found" || [ "$(echo $(cat "$work/lines"))" != "1 2 3 4 5 6 7" ]; then
    cat "$work/found"
    echo "laws.sh does not find what it must"
    exit 1
fi

sources=$(find src vocab tokenizer tasks -name '*.[ch]' | LC_ALL=C sort)
test -n "$sources"
found=$(scan $sources)
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
echo "$(echo "$sources" | wc -l) files keep to the laws"
