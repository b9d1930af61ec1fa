#!/bin/sh
# Rasa's own server with its standard channels, and its action server: for development and for other Rasa clients. Loopback only:
# neither is fit to face a network (docs/decisions/2026-11-21-rasa-inside.md).
set -eu
venv=$1
export SANIC_HOST=127.0.0.1 RASA_TELEMETRY_ENABLED=false TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore PYTHONPATH=.
"$venv/bin/rasa" run actions --port "${ACTIONS_PORT:-5055}" &
actions=$!
trap 'kill $actions 2>/dev/null' EXIT INT TERM
"$venv/bin/rasa" run -i 127.0.0.1 --port "${RASA_PORT:-5005}" --model models/amparo.tar.gz --endpoints endpoints.yml --credentials credentials.yml
