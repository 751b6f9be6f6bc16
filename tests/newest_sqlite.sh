#!/bin/sh
# Run the suite under the newest SQLite that PyPI has, in place of the system's: what SQLite says of itself changes.
# The module of pysqlite3-binary holds SQLite and exports it, so a copy of it serves as libsqlite3.so.0: on Linux, with
# a Python that is linked to that. Arguments go to pytest.
set -eu
folder=.venv-newest-sqlite
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group test pysqlite3-binary
mkdir -p "$folder/lib/newest"
cp "$folder"/lib/python3.*/site-packages/pysqlite3/_sqlite3*.so "$folder/lib/newest/libsqlite3.so.0"
LD_LIBRARY_PATH=$(pwd)/$folder/lib/newest
export LD_LIBRARY_PATH
"$folder/bin/python" -c '
import sqlite3, pysqlite3
if sqlite3.sqlite_version != pysqlite3.sqlite_version:
    raise SystemExit("this Python brings a SQLite of its own: set PYTHON to one that is linked to libsqlite3.so.0")
print("== SQLite", sqlite3.sqlite_version)
'
"$folder/bin/python" -m pytest -q -n "${WORKERS:-auto}" -p no:cacheprovider "$@"
