#!/bin/sh
# install.sh CMAKE SOURCE BUILD CC [FLAG...]: the installed files are those that the quickstart builds; if they are not
# built, nothing is installed. After an install under a new prefix, a program compiles and runs through pkg-config
# against the shared library.
set -eu
command -v pkg-config >/dev/null || {
    echo "skipped: no pkg-config"
    exit 77
}
cmake=$1 source=$2 build=$3 cc=$4
shift 4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every build file that cmake --install copies belongs to the quickstart's target.
target=$(sed -n 's/^cmake --build .* --target \([a-z_]*\) .*/\1/p' "$source/scripts/quickstart.sh")
if [ -n "$target" ] && ninja -C "$build" -t inputs "$target" >"$work/inputs" 2>/dev/null; then
    grep -o "\"$build/[^\"]*\"" "$build/cmake_install.cmake" | sed "s|^\"$build/||; s|\"\$||" |
        grep -xE '(lib)?bertc([.]a|[.]so|[.]so[.][0-9]+[.].*)?' | sort -u >"$work/taken"
    [ "$(wc -l <"$work/taken")" = 4 ] || {
        echo "installed files of the build: $(cat "$work/taken")"
        exit 1
    }
    lacking=$(grep -vxF -f "$work/inputs" "$work/taken" || true)
    [ -z "$lacking" ] || {
        echo "quickstart.sh builds $target, which lacks $lacking"
        exit 1
    }
else
    echo "not compared: ninja tells no inputs of '$target'"
fi

# If they are not built: one reason is printed, and nothing is installed.
"$cmake" -S "$source" -B "$work/bare" -DBERTC_TESTS=OFF >/dev/null
if "$cmake" --install "$work/bare" --prefix "$work/none" >"$work/out" 2>&1; then
    echo "an install without a build succeeds"
    exit 1
fi
grep -q "bertc is not built" "$work/out" || {
    cat "$work/out"
    exit 1
}
[ ! -e "$work/none" ] || {
    echo "an install without a build leaves $(find "$work/none" -type f)"
    exit 1
}
rm -r "$work/bare"

"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work" -name bertc.pc)")
export PKG_CONFIG_PATH

prefix=$(pkg-config --variable=prefix bertc)
[ "$(realpath "$prefix")" = "$(realpath "$work/prefix")" ] || {
    echo "bertc.pc says prefix=$prefix, installed under $work/prefix"
    exit 1
}
cat >"$work/program.c" <<'END'
#include <bertc.h>
#include <stdio.h>

int main(void)
{
    return puts(bertc_version()) < 0 || bertc_task_find("sst2") == NULL;
}
END
"$cc" "$@" $(pkg-config --cflags bertc) "$work/program.c" -o "$work/program" $(pkg-config --libs bertc)
libdir=$(pkg-config --variable=libdir bertc)
version=$(LD_LIBRARY_PATH=$libdir "$work/program")
[ "$version" = "$(pkg-config --modversion bertc)" ] || {
    echo "the program says $version"
    exit 1
}
echo "$version through pkg-config"
