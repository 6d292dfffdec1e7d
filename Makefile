# The two commands are `make run` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help run serve lock licences sbom bundle walk fuzz test lint bench soak messages screenshots images docs clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
FLASK := $(BIN)/flask --app admin_app
# Test processes at a time; a file's tests stay together, since many share what was made once for their file.
WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(WORKERS) --no-loadscope-reorder
# The order of the tests on PostgreSQL is another one each time; ORDER=… repeats one, which the run prints.
ORDER ?= $(shell date +%s)
# Cases of the demo district.
CASES ?= 2400
# What belongs to this installation: database, key, uploads. The shell reads it from its environment, quoted: make's own
# functions take a path with spaces for several.
override INSTANCE_PATH := $(or $(INSTANCE_PATH),instance)
export INSTANCE_PATH

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## try it: a made-up district at http://127.0.0.1:8000
	@mkdir -p "$$INSTANCE_PATH" && touch "$$INSTANCE_PATH/holds-demo-data"
	@$(FLASK) setup
	@$(FLASK) demo --cases $(CASES)
	@exec $(BIN)/python admin_app.py

serve: $(VENV)/.run ## the real thing: an empty system, no demo data
	@if [ -e "$$INSTANCE_PATH/holds-demo-data" ]; then \
	  echo "$$INSTANCE_PATH 存放的是演示数据。请换一个目录启动正式系统，" >&2; \
	  echo "例如 make serve INSTANCE_PATH=/srv/casework；或者先删除该目录。" >&2; \
	  exit 1; \
	fi
	@$(FLASK) setup
	@exec $(BIN)/python admin_app.py

# Each process would compile the program and the tests anew where the environment forbids to keep what is compiled.
test: export PYTHONDONTWRITEBYTECODE :=
# The tests on PostgreSQL, in a process of their own, run while those in the browser wait; what they say comes at the end.
test: $(VENV)/.dev ## every test: SQLite with a real browser, and PostgreSQL
	@sh .ci/office || [ "$$CI" != true ]
	@failed=0; told=$$(mktemp); \
	nice -n 5 $(BIN)/pytest -m database --database postgresql --order $(ORDER) \
	  $$(grep -rl --include='test_*.py' mark.database tests) >$$told 2>&1 & second=$$!; \
	trap 'kill $$second; rm -f $$told; exit 1' INT TERM; \
	if sh .ci/browser $(BIN); then \
	  $(PYTEST) || failed=1; \
	else \
	  [ "$$CI" != true ] || failed=1; \
	  $(PYTEST) -m "not browser" || failed=1; \
	fi; \
	wait $$second || failed=1; \
	cat $$told; rm -f $$told; \
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

# One request in EVERY is made by the walk and the fuzz.
EVERY ?= 1

walk: $(VENV)/.dev ## every route by every method for every pair of roles: no defect, and two roles open no more than each
	$(BIN)/python -m bench.walk --every $(EVERY)

fuzz: $(VENV)/.dev ## hostile values in every parameter and field of every page: no defect, no words of a library
	$(BIN)/python -m bench.fuzz --every $(EVERY)

# Rounds of `make soak`.
ROUNDS ?= 200

soak: $(VENV)/.dev ## a server killed at 200 random moments while people work; nothing broken, nothing lost
	$(BIN)/python -m bench.soak --rounds $(ROUNDS)

messages: $(VENV)/.dev ## bring the Chinese catalogue up to date; new sentences come in empty
	@found=$$(mktemp); \
	$(BIN)/pybabel --quiet extract -F babel.cfg -k _ -k n_:1,2 --add-location=file --sort-output --no-wrap \
	  --project=casework-panel --version=1 -o $$found . && \
	$(BIN)/pybabel --quiet update -i $$found -d translations -l zh_Hans_CN --init-missing \
	  --no-fuzzy-matching --no-wrap --ignore-obsolete --ignore-pot-creation-date; \
	rm -f $$found
	@echo "Now translate what is empty in translations/zh_Hans_CN/LC_MESSAGES/messages.po."

# The tool that writes the locks; it isn't needed otherwise.
UV := uv==0.13.9

lock: $(VENV)/.made ## pin every package by the hashes of its published files, for every platform and Python from 3.11 on
	$(BIN)/pip install --quiet --disable-pip-version-check $(UV)
	for of in requirements requirements-dev; do $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header \
	  --no-annotate --python-version 3.11 $$of.txt -o $$of.lock || exit 1; done

licences: $(VENV)/.run ## write THIRD-PARTY.md
	$(BIN)/python -m docs.packages notices

sbom: $(VENV)/.run ## write the bill of materials (CycloneDX) into dist/
	@mkdir -p dist
	$(BIN)/python -m docs.packages sbom > dist/sbom.json

# The machine that the bundle is for: x86_64, aarch64 or windows, and its Python.
FOR ?= x86_64
FOR_PYTHON ?= 3.11

bundle: sbom ## everything to install without the internet, in dist/: program, wheels, install script; FOR=aarch64 FOR_PYTHON=3.12
	PIP=$(BIN)/pip sh deploy/bundle.sh $(FOR) $(FOR_PYTHON)

docs: $(VENV)/.run ## write what is generated in docs/
	$(BIN)/python -m docs.generate

screenshots: $(VENV)/.dev ## a picture of every kind of page, at three sizes and dark, in bench/out/pages
	@sh .ci/browser $(BIN)
	$(BIN)/python -m docs.every_page

images: $(VENV)/.dev ## take the pictures of the README, in docs/images, anew
	@sh .ci/browser $(BIN)
	$(BIN)/python -m docs.screenshots

clean: ## remove the environment and every cache; instance/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench/out test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "需要 Python 3.11 以上，例如：make run PYTHON=python3.12")'
	@echo "正在建立运行环境并安装依赖，首次约需一分钟……"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Every package by its hash, those that others ask for too. HASHES=no takes whatever bears the right version, for example
# wheels that were built here. pip's own settings (PIP_NO_INDEX, PIP_FIND_LINKS) make it install from a wheelhouse.
HASHES ?= yes
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check $(if $(filter yes,$(HASHES)),--require-hashes)
SUFFIX := $(if $(filter yes,$(HASHES)),lock,txt)

$(VENV)/.run: requirements.txt requirements.lock $(VENV)/.made
	@$(INSTALL) -r requirements.$(SUFFIX) || \
	  { echo "依赖包未能安装。若为自行编译的安装包，校验值与 requirements.lock 不符，请加 HASHES=no。" >&2; exit 1; }
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-dev.lock $(VENV)/.run
	@$(INSTALL) -r requirements-dev.$(SUFFIX) || \
	  { echo "依赖包未能安装。若为自行编译的安装包，校验值与 requirements-dev.lock 不符，请加 HASHES=no。" >&2; exit 1; }
	@touch $@
