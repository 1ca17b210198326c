#!/usr/bin/env bash
# Makes sure that a machine can build (`build`) or build and test (`test`) the project. What it can install
# by itself it installs: cargo's and pip's packages for the user, and the system's on Debian as root. The
# rest it names, all at once. It changes nothing where nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

nextest_version=0.9.143
venv="$HOME/.cache/mochiyori/venv"
missing=()

usage() {
    echo "usage: scripts/setup.sh build|test" >&2
    exit 2
}

miss() {
    missing+=("$1")
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Whether packages of the system can be installed without asking anyone.
can_apt() {
    [[ "$(id -u)" == 0 ]] && have apt-get
}

apt_install() {
    echo "setup: installing $* with apt-get"
    # A list of packages may be missing or old on a fresh machine.
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }
}

# Whether version $1 is at least version $2, both of numbers and dots.
at_least() {
    [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" == "$2" ]]
}

check_rust() {
    local wanted found
    wanted="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
    if ! have cargo || ! have rustc; then
        miss "Rust $wanted or later: install rustup from https://rustup.rs, then run: rustup toolchain install $wanted"
        return
    fi
    found="$(rustc --version | cut -d' ' -f2)"
    if ! at_least "${found%%-*}" "$wanted"; then
        miss "Rust $wanted or later (this is $found): rustup toolchain install $wanted && rustup default $wanted"
    fi
}

check_rust_components() {
    if have cargo && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
        if have rustup; then
            echo "setup: adding rustfmt and clippy with rustup"
            rustup component add rustfmt clippy
        else
            miss "rustfmt and clippy, from where this Rust was installed"
        fi
    fi
}

check_c_compiler() {
    local compiler="${CC:-cc}"
    have "${compiler%% *}" && return
    if can_apt; then
        apt_install gcc libc6-dev
    else
        miss "a C compiler: on Debian apt-get install gcc libc6-dev, on Fedora dnf install gcc, on macOS xcode-select --install"
    fi
}

check_git() {
    have git && return
    if can_apt; then apt_install git; else miss "git"; fi
}

check_nextest() {
    have cargo || return 0
    cargo nextest --version >/dev/null 2>&1 && return
    echo "setup: compiling cargo-nextest $nextest_version, once; this takes some minutes"
    # In a folder of its own: the project's would be filled with what only this tool needs.
    env -u CARGO_TARGET_DIR cargo install cargo-nextest --version "$nextest_version" --locked ||
        miss "cargo-nextest: cargo install cargo-nextest --version $nextest_version --locked, or a binary from https://nexte.st"
}

# The first Python that the pinned packages have wheels for.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

check_python() {
    # Whoever names an interpreter looks after its packages.
    [[ -n "${MOCHIYORI_PYTHON:-}" ]] && return
    local wanted stamp="$venv/.requirements"
    wanted="$(cksum <tests/requirements.txt)"
    if [[ -x "$venv/bin/python" && -f "$stamp" && "$(cat "$stamp")" == "$wanted" ]]; then
        return
    fi
    local python
    python="$(find_python)"
    if [[ -z "$python" ]] && can_apt; then
        apt_install python3 python3-venv
        python="$(find_python)"
    fi
    if [[ -z "$python" ]]; then
        miss "Python 3.11 or later with venv: on Debian 12 apt-get install python3 python3-venv"
        return
    fi
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        if ! "$python" -c 'import ensurepip' 2>/dev/null; then
            if can_apt; then
                apt_install python3-venv
            else
                miss "Python's venv: on Debian apt-get install python3-venv"
                return
            fi
        fi
        echo "setup: making a Python environment in ~/.cache/mochiyori/venv"
        "$python" -m venv --clear "$venv"
    fi
    echo "setup: installing tests/requirements.txt"
    if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt; then
        echo "$wanted" >"$stamp"
    else
        miss "the Python packages of tests/requirements.txt: pip could not install them, its message is above"
    fi
}

find_postgres() {
    local initdb
    for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
        /opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb; do
        [[ -n "$initdb" && -x "$initdb" ]] && return 0
    done
    return 1
}

check_postgres() {
    find_postgres && return
    if can_apt; then
        apt_install postgresql
    else
        miss "PostgreSQL's server programs, initdb and postgres: on Debian apt-get install postgresql, on Fedora dnf install postgresql-server, on macOS brew install postgresql@17"
    fi
}

# Marked copies of workbooks are opened in a spreadsheet program other than the one that wrote them.
check_office() {
    have soffice && return
    if can_apt; then
        apt_install libreoffice-calc
    else
        miss "LibreOffice Calc: on Debian apt-get install libreoffice-calc, on Fedora dnf install libreoffice-calc, on macOS brew install --cask libreoffice"
    fi
}

case "${1:-}" in
build)
    check_rust
    check_c_compiler
    ;;
test)
    check_rust
    check_rust_components
    check_c_compiler
    check_git
    check_nextest
    check_python
    check_postgres
    check_office
    ;;
*) usage ;;
esac

if ((${#missing[@]} > 0)); then
    echo "setup: this machine lacks" >&2
    printf '  - %s\n' "${missing[@]}" >&2
    exit 1
fi
