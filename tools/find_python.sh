#!/bin/sh
# Print the path of a Python 3.10 that runs: on PATH, one of pyenv's, or one that uv fetches. Exit 1 with advice when there is none.
# (pyenv puts a `python3.10` on PATH that fails unless a version file selects it: so each candidate is run, not only found.)
works() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 10))' >/dev/null 2>&1; }

for candidate in ${AMPARO_PYTHON:-} "$(command -v python3.10 2>/dev/null)" "$(pyenv prefix 3.10 2>/dev/null)/bin/python3.10" /usr/bin/python3.10; do
    if [ -n "$candidate" ] && [ -x "$candidate" ] && works "$candidate"; then
        echo "$candidate"
        exit 0
    fi
done
# pyenv's own folder, for a shell in which pyenv itself is not on PATH
for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python3.10; do
    if [ -x "$candidate" ] && works "$candidate"; then
        echo "$candidate"
        exit 0
    fi
done
if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    echo "No Python 3.10 here; asking uv for one ..." >&2
    uv python install 3.10 >&2 && found=$(uv python find 3.10 2>/dev/null) && works "$found" && echo "$found" && exit 0
fi
cat >&2 <<'TEXT'
Amparo needs Python 3.10 (Rasa 3.6 does not run on 3.11 or later), and none was found. Any one of these gives it:
  Ubuntu 22.04:            sudo apt-get install python3.10 python3.10-venv
  with pyenv:              pyenv install 3.10
  with uv:                 uv python install 3.10
Or name one yourself:      AMPARO_PYTHON=/path/to/python3.10 make run
TEXT
exit 1
