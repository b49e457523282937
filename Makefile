# The targets that people use carry a comment after two #: `make help` prints them.

PYTHON   ?= python3
CHAPTERS ?= $(sort $(wildcard chapters/*.ipynb appendix/*.ipynb))
BIN      := .venv/bin
READY    := .venv/.ready

# The chapters are tests too: nbval runs them again, as tests/book/strict_nbval.py has it.
# Two processes share the work, one file at a time, with a thread each; the files that take longest
# come first, so that neither waits for the other at the end.
PYTEST := PYTHONPATH=tools:tests/book $(BIN)/python -m pytest
BUILT  := SITE=_build/html
NBVAL  := -p strict_nbval --nbval --nbval-current-env --nbval-cell-timeout 300
SHARED := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help book pdf publish test lint replay bench results notebooks grade address clean
.DEFAULT_GOAL := help

help:  ## this page
	@echo "The Executable LSTM"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "All that they need is Python 3.11 or later: the first of them fills .venv,"
	@echo "with another Python by  make PYTHON=python3.12 …"

book: $(READY)  ## build the site: _build/html/index.html
	$(BIN)/python tools/build_book.py

pdf: book  ## print the site as one book: _build/the-executable-lstm.pdf (needs chromium)
	$(BIN)/python tools/make_pdf.py

publish: book  ## build the site and the notebooks that its pages open: _build/notebooks
	$(BIN)/python tools/publish.py

test: lint book  ## check everything: style, types, library, chapters, site
	$(BUILT) $(PYTEST) -m timing tests
	OMP_NUM_THREADS=1 $(BUILT) $(PYTEST) -m "not timing" $(NBVAL) $(SHARED) tests/site $(CHAPTERS) tests

lint: $(READY)  ## check style and types alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

replay: $(READY)  ## run chapters again and compare outputs: CHAPTERS=chapters/09_shakespeare.ipynb
	OMP_NUM_THREADS=1 $(PYTEST) $(NBVAL) $(SHARED) $(CHAPTERS)

bench: $(READY)  ## measure this library beside its peers, all with the same instructions
	$(BIN)/python -m benchmarks --avx2

results: $(READY)  ## list the experiments and their records: RUN="NAME …" or RUN=--stale runs them
	$(BIN)/python -m lstmlib.lab $(if $(RUN),run $(RUN))

notebooks: $(READY)  ## run chapters and write their outputs: CHAPTERS=… for some of them
	$(BIN)/python tools/run_notebooks.py $(CHAPTERS)

grade: $(READY)  ## grade submissions: SUBMISSIONS=folder ASSIGNMENT=4 (OPTIONS=--help: more)
	$(BIN)/python -m lstmlib.grading grade $(wildcard assignments/$(ASSIGNMENT)_*.ipynb) $(if $(SUBMISSIONS),"$(SUBMISSIONS)") $(OPTIONS)

address: $(READY)  ## host the book as yours: URL=https://github.com/you/your-book
	$(BIN)/python tools/set_address.py "$(URL)"

clean:  ## remove what was built (not .venv, not your runs)
	rm -rf _build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed; $(PYTHON) is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@
