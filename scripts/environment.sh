# What the scripts beside this file share: finding Python, and an environment that is as locked.
# Sourced by a POSIX shell after `root` (the checkout) is set; it changes nothing by being read.
#
#   use_environment runtime     what chatd runs with
#   use_environment dev         that, and what the tests and checks run with
#
# Afterwards "$python" is the environment's own. The environment is .venv in the checkout; a copy
# of each lock file that is installed lies inside it, so that a start where nothing changed costs
# one comparison and no network.

venv=$root/.venv
python=$venv/bin/python
installed=$venv/installed

# One line for each argument.
say() { printf '%s\n' "$@" >&2; }

fail() {
    say "$@"
    exit 1
}

# The first Python that is new enough; PYTHON names one that is tried before the others.
find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null; then
        fail "chatd needs Python 3.11 or newer, and this is $(python3 --version 2>&1)." \
            "Install a newer one; where it is not the first in PATH, set PYTHON=/path/to/it."
    fi
    install_packages "Python" python3 python3-venv
    command -v python3
}

# install_packages WHAT PACKAGE...: Debian packages, where we may; otherwise the command that does it.
install_packages() {
    what=$1
    shift
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$what is missing here. Install it, then run this again:" "" "    sudo apt-get install $*" ""
    fi
    say "Installing $* ..."
    log=$(mktemp)
    if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } \
        </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "$what could not be installed; above is what apt-get said. By hand: apt-get install $*"
    fi
    rm -f "$log"
}

# Whether .venv can be used at all: made, complete, and by the Python that is still there.
environment_stands() {
    [ -f "$installed/python" ] && [ "$("$python" -ISc "$which_python" 2>/dev/null)" = "$(cat "$installed/python")" ]
}
which_python='import sys; print(*sys.version_info[:2])'

make_environment() {
    base=$(find_python)
    if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages "Python's venv module" "$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    say "Making an environment in .venv ..."
    "$base" -m venv --clear "$venv" || fail "$base could not make an environment in $venv; above is what it said."
    mkdir "$installed"
    "$python" -ISc "$which_python" >"$installed/python"
}

# lock_installed NAME: whether requirements/NAME.txt, as it is now, is what .venv holds.
lock_installed() {
    cmp -s "$root/requirements/$1.txt" "$installed/$1.txt"
}

install_lock() {
    say "Installing what $2, as locked in requirements/$1.txt ..."
    rm -f "$installed/$1.txt"
    # Complete and with hashes, so nothing is left to decide; wheels only, so nothing is compiled here.
    "$python" -m pip install -qq --disable-pip-version-check --no-input --no-compile --require-hashes --no-deps \
        --only-binary :all: --requirement "$root/requirements/$1.txt" </dev/null >&2 ||
        fail "" "The packages could not be installed; above is what pip said. Most often there is no way to" \
            "the package index from here: once it answers, run this again, and it goes on where it stopped." \
            "A mirror of your own goes into PIP_INDEX_URL; nothing but what is locked gets in."
    cp "$root/requirements/$1.txt" "$installed/$1.txt"
}

# What another user made is theirs to change: clearing it would stop what they run from it.
must_be_ours() {
    if [ -e "$venv" ] && [ -z "$(find "$venv" -prune -user "$(id -u)")" ]; then
        fail "The environment in $venv is out of date, and belongs to another user. Run this once as that user:" \
            "" "    $root/scripts/chatd --version" ""
    fi
}

# One at a time per checkout: two starts at once would install into each other's way.
use_environment() {
    if environment_stands && lock_installed "$1"; then
        return
    fi
    must_be_ours
    if command -v flock >/dev/null; then
        exec 9<"$root"
        flock 9
    fi
    environment_stands || make_environment
    lock_installed runtime || install_lock runtime "chatd runs with"
    if [ "$1" = dev ] && ! lock_installed dev; then
        install_lock dev "the tests and checks run with"
    fi
    if command -v flock >/dev/null; then
        exec 9>&-
    fi
}
