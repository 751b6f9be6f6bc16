#!/bin/sh
# Run the suite on every Python 3.11 or newer that is found, and on the oldest of them with the oldest supported
# dependencies. Each gets an environment of its own, .venv-<version>, kept for the next time.
set -u
found=""
for name in ${PYTHONS:-python3.11 python3.12 python3.13 python3.14 python3.15}; do
    # A shim of a version manager may be there and not work; pyenv's interpreters may be there without a shim.
    for candidate in "$name" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"${name#python}".*/bin/python; do
        if "$candidate" -c 'import sqlite3, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            found="$found $candidate"
            break
        fi
    done
done
test -n "$found" || { echo "No Python 3.11 or newer found" >&2; exit 1; }

failed=""
run() { # interpreter, label, more groups or constraints
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    folder=.venv-$version$2
    echo "== Python $version$2 ($1)"
    "$1" -m venv "$folder" &&
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1" &&
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group test $3 &&
        "$folder/bin/python" -m pytest -q -n "${WORKERS:-auto}" -p no:cacheprovider || failed="$failed $version$2"
}
for python in $found; do run "$python" "" "--group newer"; done
set -- $found
run "$1" "-oldest" "--constraint tests/oldest.txt"
test -z "$failed" || { echo "== failed on:$failed" >&2; exit 1; }
echo "== all passed"
