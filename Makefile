# One verb a chore. Everything but `make help` first makes .venv hold what it needs.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup run test lint format lock bench bench-peers faults fuzz clients page docs rehearse ci clean

BIN := .venv/bin
ROOMS := cli gateway simulator streamlog telemetry worker
PYTHONS ?= python3.11 python3.12 python3.13 python3.14 python3 python
ARGS ?=
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --universal --generate-hashes \
	--python-version 3.11 --quiet $(ARGS)

define set_up
@for python in $(PYTHONS); do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		exec $$python deploy/set_up.py $(1); \
	fi; \
done; \
echo "sluice: no Python 3.11 or newer among: $(PYTHONS). Install one, or name it: make $@ PYTHONS=/path/to/python" >&2; \
exit 1
endef

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start Sluice on port 8000; ARGS="--port 9000" goes to `sluice up`
	$(call set_up,requirements.lock)
	@SLUICE_ASSISTANTS_FILE="$${SLUICE_ASSISTANTS_FILE-deploy/assistants.toml}" exec $(BIN)/sluice up $(ARGS)

test: ## Run all tests, two rooms at a time; ARGS="-k resume" goes to pytest
	$(call set_up,requirements-dev.lock)
	@exec $(BIN)/pytest -n 2 $(ARGS)

lint: setup ## Check style, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy deploy docs bench tests

format: setup ## Put the code in the one format, and fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## Measure what Sluice costs, beside the direct call, the tutorials' pattern and nginx
	@exec $(BIN)/python -m bench $(ARGS)

bench-peers: setup ## The same, and beside LiteLLM, Portkey and TensorZero in environments of their own (half an hour)
	@bench/install_peers.sh || true # what could not be had is named in the figures
	@exec $(BIN)/python -m bench --peers $(ARGS)

faults: setup ## Break everything at full size (hours) and keep the figures in docs/guarantees.md; ARGS="--only Redis"
	@exec $(BIN)/python -m tests.faults --full --write $(ARGS)

fuzz: setup ## Ask the gateway 10,000 random things an endpoint, by its OpenAPI document; ARGS="--cases 1000"
	@exec $(BIN)/python -m tests.openapi $(ARGS)

clients: setup ## Compare every client with itself, heavy ones too; writes the table of docs/clients.md
	@npm ci --prefix tests/node --no-audit --no-fund --loglevel=error
	@npm ci --prefix tests/clients/heavy --no-audit --no-fund --loglevel=error
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-clients
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-clients/bin/python tests/clients/heavy/requirements.lock
	@SLUICE_CLIENTS_TABLE=1 $(BIN)/pytest tests/clients -m "heavy_clients or not heavy_clients" $(ARGS)

page: setup ## Try the web page in Chromium, 50 reloads in mid-answer too
	@npm ci --prefix tests/node --no-audit --no-fund --loglevel=error
	@$(BIN)/pytest tests/page -m "heavy_page or not heavy_page" $(ARGS)

docs: setup ## Write the generated pages again
	@$(BIN)/python -m telemetry.document
	@$(BIN)/python docs/settings.py
	@$(BIN)/python docs/lifecycle.py
	@$(BIN)/python docs/command_line.py

lock: setup ## Pin what pyproject.toml asks for; ARGS=--upgrade takes newer versions
	@$(COMPILE) pyproject.toml --group build --output-file requirements.lock
	@$(COMPILE) pyproject.toml --group build --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	@echo uv | $(COMPILE) - --constraint requirements-dev.lock --output-file requirements-uv.lock

rehearse: setup ## Do what deploy/Dockerfile does, without Docker
	@$(BIN)/python -m deploy.rehearse

ci: ## What continuous integration runs
	@exec bash .ci/run

setup: ## Only make .venv, with everything for development
	$(call set_up,requirements-dev.lock)

clean: ## Remove .venv, caches and builds; data in .sluice stays
	@rm -rf .venv .venv-clients .venv-peers build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find $(ROOMS) bench deploy tests -name __pycache__ -type d -prune -exec rm -rf {} +
