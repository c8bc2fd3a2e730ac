# Sourced by the other scripts: install missing packages on a Debian machine.

packages_build="build-essential cmake ninja-build pkg-config libdnnl-dev libopenblas-openmp-dev \
libutf8proc-dev libcjson-dev libxxhash-dev libcsv-dev zlib1g-dev"
packages_test="libcmocka-dev"

# Whether commands can be run as root. Asks for a password only on a terminal.
may_be_root() {
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Whether a package is installed; for cmake and ninja-build also whether the program is in the PATH.
have_package() {
    case $1 in
    cmake) command -v cmake >/dev/null && return 0 ;;
    ninja-build) command -v ninja >/dev/null && return 0 ;;
    esac
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages NAME...: install those that are missing; false if that fails.
install_packages() {
    missing=
    for package in "$@"; do
        have_package "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "This is not Debian; please install the contents of these packages:$missing" >&2
        return 1
    fi
    if may_be_root; then
        echo "Installing:$missing"
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends $missing >/dev/null && return 0
        echo "The packages could not be installed. An administrator can install them with" >&2
    else
        echo "Packages are missing, and installing them needs root. An administrator can install them with" >&2
    fi
    echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    return 1
}
