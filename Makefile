# Two commands do everything: `make train` and `make test`. Each sets up .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = $(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: train test check coverage numerics mobile lint types format paper site lock clean

train: .venv/.installed
	$(BIN)/thriftnet train $(ARGS)

# One process more than cores, as tests wait for browsers, servers and other processes. Each takes a file
# at a time, in the order of tests/support/distribution.py. Up to three tests that failed are retried
# alone and named: on a busy machine, one test of thousands may wait too little. It is a bug all the same.
test: lint types
	@$(PYTEST) $(ARGS); tested=$$?; \
	if [ $$tested = 1 ]; then $(BIN)/python tests/support/second_try.py; tested=$$?; fi; \
	exit $$tested

# In less than a minute: the tests of what changed since BASE (uncommitted work, or `make check BASE=main`).
BASE ?= HEAD
check: lint types
	$(BIN)/python tests/support/changed.py $(BASE) | xargs $(PYTEST)

# Which lines of the package no test runs, processes that tests start included.
coverage: .venv/.installed
	$(PYTEST) \
	  --cov thriftnet --cov-report term:skip-covered $(ARGS)

# The same answers on any processor: what computes, as on one with AVX2 alone and on one without
# bfloat16, in 1, 2 and 4 threads, with the compiled operations and without (whose own tests they are).
# Each pair of a processor with the compiled operations or without is in one of four runs. Threads that
# wait must not spin: there are more of them than cores, and it would take ten times as long.
NUMERIC := tests/optim tests/inference/test_optimise.py tests/models/test_fold.py \
	tests/models/test_resnet.py tests/models/test_speednet.py tests/training/test_averaging.py \
	tests/training/test_loop.py tests/training/test_reference.py tests/training/distributed/test_replicas.py \
	tests/training/test_resume.py tests/kernels/test_pointwise.py tests/kernels/test_strips.py
FUSED := tests/kernels/test_hostile_statistics.py tests/kernels/test_norm_act.py tests/kernels/test_winograd.py
AVX512 := $(shell grep -qs avx512vl /proc/cpuinfo && echo avx512:AVX512_CORE:2:0 avx512:AVX512_CORE:4:1)
PROCESSORS := avx2:AVX2:1:0 avx2:AVX2:4:1 $(AVX512)
numerics: .venv/.installed
	@failed=; for each in $(PROCESSORS); do \
	  set -- $$(echo $$each | tr : ' '); \
	  as="ATEN_CPU_CAPABILITY=$$1 ONEDNN_MAX_CPU_ISA=$$2 THRIFTNET_TEST_THREADS=$$3 THRIFTNET_FUSED=$$4"; \
	  as="$$as OMP_WAIT_POLICY=passive"; \
	  if [ $$4 = 1 ]; then tests="$(NUMERIC) $(FUSED)"; else tests="$(NUMERIC)"; fi; \
	  echo "$$as"; \
	  env $$as $(BIN)/pytest $$tests --numprocesses auto --dist loadfile $(ARGS) || failed="$$failed\n  $$as"; \
	done; \
	if [ -n "$$failed" ]; then printf "failed with$$failed\n"; exit 1; fi

# LiteRT and ExecuTorch, whose packages (0.8 GB) do not fit beside the others.
mobile: .venv-mobile/.installed
	.venv-mobile/bin/python -m pytest -p no:anyio tests/export/test_mobile.py $(ARGS)

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.installed
	$(BIN)/pyrefly check

paper: .venv/.installed
	$(BIN)/python -m reproductions.dreamfire2025 $(ARGS)

# The documentation as pages, in build/site.
site: .venv/.installed
	$(BIN)/sphinx-build --fail-on-warning --quiet docs build/site

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

# A layer over .venv with what lies there in another version, and what does not lie there at all.
SITE := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
.venv-mobile/.installed: .venv/.installed requirements/mobile.lock
	$(BIN)/python -m venv .venv-mobile
	echo "import site; site.addsitedir('$$($(BIN)/python $(SITE))')" > $$(.venv-mobile/bin/python $(SITE))/below.pth
	.venv-mobile/bin/pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements/mobile.lock
	@touch $@

# Pins again what pyproject.toml asks for, after it changed; needs uv.
lock:
	requirements/lock

clean:
	rm -rf .venv .venv-mobile .pytest_cache .ruff_cache .hypothesis
