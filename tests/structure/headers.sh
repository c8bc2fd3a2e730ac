#!/bin/sh
# headers.sh REPOSITORY CC [CXX]: every public header compiles alone, as C17 and as C++17.
set -eu
cc=$2
cxx=${3:-}
cd "$1/include"
for header in bertc.h bertc/*.h; do
    # Include it twice, to detect a missing include guard.
    text=$(printf '#include "%s"\n#include "%s"\n' "$header" "$header")
    echo "$text" | "$cc" -x c -std=c17 -pedantic-errors -Wall -Wextra -Wstrict-prototypes -Werror \
        -I. -fsyntax-only -
    if [ -n "$cxx" ]; then
        echo "$text" | "$cxx" -x c++ -std=c++17 -pedantic-errors -Wall -Wextra -Werror -I. -fsyntax-only -
    fi
done
[ -n "$cxx" ] || echo "no C++ compiler: checked as C17 only"
