#!/bin/sh
# Install missing packages, build with sanitizers and in release, and run every test in both. Run the tests of shared data
# with ThreadSanitizer. Then build with clang, if it is installed, for its warnings.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh
install_packages $packages_build $packages_test

jobs=$(nproc)
for preset in dev release; do
    echo "== $preset: build and test"
    cmake --preset "$preset" -G Ninja -DBERTC_TESTS=ON -DBERTC_WERROR=ON >/dev/null
    cmake --build --preset "$preset" -j "$jobs"
    ctest --preset "$preset" -j "$jobs"
done

# OpenMP and the GEMM libraries are not built with ThreadSanitizer; these tests do not use them.
echo "== tsan: data that threads share"
cmake --preset tsan -G Ninja -DBERTC_TESTS=ON >/dev/null
cmake --build --preset tsan -j "$jobs"
ctest --preset tsan

if command -v clang >/dev/null && echo '#include <omp.h>' | clang -fopenmp -E - >/dev/null 2>&1; then
    echo "== clang: build for its warnings"
    cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS_DEBUG=-O0 -DBERTC_WERROR=ON >/dev/null
    cmake --build build/clang -j "$jobs"
else
    echo "skipped: the build with clang (packages clang and libomp-dev)"
fi
echo "All tests passed."
