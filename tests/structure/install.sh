#!/bin/sh
# install.sh CMAKE BUILD CC [FLAG...]: installed under a prefix of its own, a program compiles and runs through
# pkg-config against the shared library.
set -eu
command -v pkg-config >/dev/null || {
    echo "skipped: no pkg-config"
    exit 77
}
cmake=$1 build=$2 cc=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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
