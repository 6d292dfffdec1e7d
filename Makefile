# The two commands are `make run` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help run serve test lint bench soak messages screenshots docs clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
FLASK := $(BIN)/flask --app admin_app
# Test processes at a time; a file's tests stay together, since many share what was made once for their file.
WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# The order of the tests on PostgreSQL is another one each time; ORDER=… repeats one, which the run prints.
ORDER ?= $(shell date +%s)
# Cases of the demo district.
CASES ?= 2400
# What belongs to this installation: database, key, uploads. An absolute path, whatever was given.
override INSTANCE_PATH := $(abspath $(or $(INSTANCE_PATH),instance))
export INSTANCE_PATH
DEMO_MARK := $(INSTANCE_PATH)/holds-demo-data

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## try it: a made-up district at http://127.0.0.1:8000
	@mkdir -p $(INSTANCE_PATH) && touch $(DEMO_MARK)
	@$(FLASK) setup
	@$(FLASK) demo --cases $(CASES)
	@exec $(BIN)/python admin_app.py

serve: $(VENV)/.run ## the real thing: an empty system, no demo data
	@if [ -e $(DEMO_MARK) ]; then \
	  echo "$(INSTANCE_PATH) holds the demo district. Start the real one elsewhere," >&2; \
	  echo "for example make serve INSTANCE_PATH=/srv/casework, or remove that folder first." >&2; \
	  exit 1; \
	fi
	@$(FLASK) setup
	@echo "First administrators: INSTANCE_PATH=$(INSTANCE_PATH) $(FLASK) user add NAME --role administrator"
	@echo "and, to grant roles: INSTANCE_PATH=$(INSTANCE_PATH) $(FLASK) user add OTHER --role security"
	@exec $(BIN)/python admin_app.py

test: $(VENV)/.dev ## every test: SQLite with a real browser, then PostgreSQL
	@sh .ci/office || [ "$$CI" != true ]
	@failed=0; \
	if sh .ci/browser $(BIN); then \
	  $(PYTEST) || failed=1; \
	else \
	  [ "$$CI" != true ] || failed=1; \
	  $(PYTEST) -m "not browser" || failed=1; \
	fi; \
	$(PYTEST) -m database --database postgresql --order $(ORDER) $$(grep -rl --include='test_*.py' mark.database tests) || failed=1; \
	exit $$failed

lint: $(VENV)/.dev ## style, types, floors, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet

bench: $(VENV)/.dev ## pages and figures over 200,000 cases, a ledger, exports, reading, importing, against the least they could cost; many people at once; the start of a command
	$(BIN)/python -m bench.pages
	$(BIN)/python -m bench.figures
	$(BIN)/python -m bench.ledger
	$(BIN)/python -m bench.exporting
	$(BIN)/python -m bench.reading
	$(BIN)/python -m bench.importing
	$(BIN)/python -m bench.load
	$(BIN)/python -m bench.start

# Rounds of `make soak`.
ROUNDS ?= 200

soak: $(VENV)/.dev ## a server killed at 200 random moments while people work; nothing broken, nothing lost
	$(BIN)/python -m bench.soak --rounds $(ROUNDS)

messages: $(VENV)/.dev ## bring the Chinese catalogue up to date; new sentences come in empty
	@$(BIN)/pybabel --quiet extract -F babel.cfg -k _ -k n_:1,2 --add-location=file --sort-output --no-wrap \
	  --project=casework-panel --version=1 -o $(VENV)/messages.pot .
	@$(BIN)/pybabel --quiet update -i $(VENV)/messages.pot -d translations -l zh_Hans_CN --init-missing \
	  --no-fuzzy-matching --no-wrap --ignore-obsolete --ignore-pot-creation-date
	@echo "Now translate what is empty in translations/zh_Hans_CN/LC_MESSAGES/messages.po."

docs: $(VENV)/.run ## write what is generated in docs/
	$(BIN)/python -m docs.generate

screenshots: $(VENV)/.dev ## take the pictures in docs/images anew
	@sh .ci/browser $(BIN)
	$(BIN)/python -m docs.screenshots

clean: ## remove the environment and every cache; instance/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench/out test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# pip's own settings (PIP_NO_INDEX, PIP_FIND_LINKS) make it install from a wheelhouse.
$(VENV)/.run: requirements.txt $(VENV)/.made
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
