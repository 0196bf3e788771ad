# Two commands do everything: `make train` and `make test`. Each sets up .venv by itself.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: train test check lint types format paper lock clean

train: .venv/.installed
	$(BIN)/thriftnet train $(ARGS)

test: lint types
	$(BIN)/pytest --numprocesses auto --dist loadfile $(ARGS)

# In less than a minute: what changed since BASE (uncommitted work, or `make check BASE=main`).
BASE ?= HEAD
check: lint
	$(BIN)/python tests/support/changed.py types $(BASE) | xargs -r $(BIN)/basedpyright
	$(BIN)/python tests/support/changed.py tests $(BASE) | xargs $(BIN)/pytest --numprocesses auto --dist loadfile

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.installed
	$(BIN)/basedpyright

paper: .venv/.installed
	$(BIN)/python -m reproductions.dreamfire2025 $(ARGS)

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Everything is installed as requirements/ pins it, each file checked against its hashes. The stamp is
# newer than what it names exactly when nothing has to be installed again.
PIP := $(BIN)/pip install --disable-pip-version-check --quiet --no-deps
LOCKS := $(addprefix requirements/,torch-cpu.lock torch.lock dev.lock cuda.lock)

.venv/.installed: pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "thriftnet needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements/torch-cpu.lock 2> /dev/null || $(PIP) --require-hashes -r requirements/torch.lock
	$(PIP) --require-hashes -r requirements/dev.lock
	@if $(BIN)/pip show torch | grep '^Requires:.*cuda' > /dev/null; then $(PIP) --require-hashes -r requirements/cuda.lock; fi
	$(PIP) --no-build-isolation --editable .
	@touch $@

# Pins again what pyproject.toml asks for, after it changed; needs uv.
lock:
	requirements/lock

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
