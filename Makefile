# Amparo. `make help` lists the targets.
SHELL := /bin/sh
VENV ?= .venv
PY := $(VENV)/bin/python
export RASA_TELEMETRY_ENABLED := false
export SANIC_HOST := 127.0.0.1
export TF_CPP_MIN_LOG_LEVEL := 2

.PHONY: bench-web latency help run setup setup-dev train test test-full system lint check evaluate first-turns evaluate-stock train-encoder rasa-dev lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: setup  ## set up, train if need be, and serve on http://localhost:8000 (chat page; SMS simulator at /demo)
	@exec $(VENV)/bin/amparo serve --port $${PORT:-8000}

setup: $(VENV)/.installed  ## install into a virtual environment

$(VENV)/.installed: requirements.lock pyproject.toml tools/install.sh
	@tools/install.sh $(VENV) requirements.lock
	@touch $@

setup-dev: $(VENV)/.installed-dev  ## install what the tests and checks need besides

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing the test tools ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

train: setup  ## train the model if it is missing or out of date
	@$(VENV)/bin/amparo train

lint: setup-dev  ## ruff and mypy
	@echo "ruff ..." && $(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@echo "mypy ..." && $(VENV)/bin/mypy

check: setup  ## whether the content keeps its own rules
	@$(VENV)/bin/amparo check

test: setup-dev  ## what needs no root and is not long, in under 5 minutes after set-up
	@$(MAKE) --no-print-directory lint train
	@$(VENV)/bin/amparo check --brief
	@echo "tests ..." && $(PY) -m pytest -m "not full and not slow" -n 2 --dist worksteal
	@echo "Left to 'make test-full' (after 'make system'): $$($(PY) -m pytest -m 'full or slow' --collect-only 2>/dev/null | awk -F': ' '/::/ {n++} /^tests.*: [0-9]+$$/ {n += $$2} END {print n+0}') tests: servers that are killed, hung and locked; Chromium, PostgreSQL, npm oracles."

test-full: setup-dev  ## the long tests, and those that need what `make system` installs
	@$(VENV)/bin/amparo train
	@echo "long tests, and those with Chromium, PostgreSQL and npm oracles ..." && $(PY) -m pytest -m "full or slow" -n 2 --dist loadfile

system:  ## install Chromium, PostgreSQL, fonts and Node from Debian's packages (root)
	@tools/system.sh

rasa-dev: setup  ## Rasa's own server and action server, on loopback only, for development
	@$(VENV)/bin/amparo train
	@tools/rasa_dev.sh $(VENV)

evaluate: train  ## how well held-out messages are understood (a minute)
	@$(PY) -m bench.evaluate

first-turns: train  ## write docs/first-turns.md: what a first message of each kind gets, in every language
	@$(PY) -m bench.first_turns

bench-web: train  ## what the pages weigh, and how soon they are ready on a slow phone (needs Chromium)
	@$(PY) -m bench.web

latency: setup-dev train  ## how long a text message waits for its answer, with 1 to 200 people at once (some minutes)
	@$(PY) -m bench.latency

evaluate-stock: train  ## the same for Rasa's stock pipeline and for the encoder without our training (hours; not in CI)
	@$(PY) -m bench.stock

train-encoder:  ## train the encoder's layers on data/nlu (an hour or more on two cores; needs PyTorch, see requirements-encoder.txt)
	@test -x .cache/encoder-venv/bin/python || $${PYTHON:-python3} -m venv .cache/encoder-venv
	@.cache/encoder-venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-encoder.txt
	@.cache/encoder-venv/bin/python tools/train_encoder.py $(TRAIN)

lock:  ## write the lock files anew from requirements*.in (needs uv)
	uv pip compile requirements.in -o requirements.lock --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q
	uv pip compile requirements-dev.in -o requirements-dev.lock --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q

clean:  ## remove the environment, models and caches (not the data)
	rm -rf $(VENV) models .cache build
