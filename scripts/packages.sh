# Sourced by the other scripts: install what is missing on a Debian machine.

packages_build="build-essential cmake ninja-build pkg-config libdnnl-dev libopenblas-openmp-dev \
libutf8proc-dev libcjson-dev libxxhash-dev"
packages_test="libcmocka-dev"

# May commands be run as root? A password is asked for on a terminal only.
may_be_root() {
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# True where the package is installed, or a tool of its own stands on the PATH.
have_package() {
    case $1 in
    cmake) command -v cmake >/dev/null && return 0 ;;
    ninja-build) command -v ninja >/dev/null && return 0 ;;
    esac
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages NAME...: those that are missing; false where that cannot be done.
install_packages() {
    missing=
    for package in "$@"; do
        have_package "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "This is not Debian; please install what these packages hold:$missing" >&2
        return 1
    fi
    if may_be_root; then
        echo "Installing:$missing"
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends $missing >/dev/null && return 0
        echo "The packages could not be installed. An administrator installs them with" >&2
    else
        echo "Packages are missing, and they cannot be installed without root's rights. An administrator installs them with" >&2
    fi
    echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    return 1
}
