# Two commands matter: `make demo` and `make test`. Each sets up what it needs in .venv first.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Nothing is compiled beforehand: Python compiles what is imported, which is a small part of what is installed.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
# It comes first and by its pinned version, so that nothing else decides which build is installed.
TORCH = $$(grep '^torch==' constraints.txt)
# Large packages that need none of the others to be there first.
LARGE = playwright llvmlite astropy
IMPORTED = 'import sklearn.manifold, matplotlib.pyplot, plotly.graph_objects, skimage.transform, xarray, h5netcdf, pynwb, zarr, pyarrow, torch'

.PHONY: demo test lint docs links bench clean

demo: $(VENV)/.normenc
	$(BIN)/normenc run --out runs/demo --force

# Two processes of one thread each: on two cores faster than one process of two. In the order of the files, in which the
# shortest tests, the examples of docstrings, come last, so that both processes end together. Compiled code is kept,
# whatever the environment says: each command and worker that tests start would otherwise compile the package again.
test: $(VENV)/.test
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Any warning stops it, at the end, so that all are seen.
docs: $(VENV)/.docs
	rm -rf build/site docs/examples
	$(BIN)/python -m sphinx -b html -E -W --keep-going -q -d build/doctrees docs build/site

# Whether the addresses of others that pages link to are still there; it asks the network.
links: $(VENV)/.docs
	$(BIN)/python -m sphinx -b linkcheck -D plot_gallery=0 -q -d build/doctrees docs build/links

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/rsa.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/tuning.py
	$(BIN)/python benchmarks/streaming.py
	$(BIN)/python benchmarks/encoding.py
	$(BIN)/python benchmarks/encoding_size.py
	$(BIN)/python benchmarks/partitioning.py
	$(BIN)/python benchmarks/fitting.py

clean:
	rm -rf $(VENV) runs docs/examples .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "normenc needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# An older pip takes twice as long, and does as well.
	-$(INSTALL) 'pip>=26'
	@touch $@

$(VENV)/.normenc: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing normenc and its dependencies into $(VENV); this takes some minutes."
	$(INSTALL) $(TORCH)
	$(INSTALL) --editable '.[nets]'
	@# 5 MB for the steerable pyramid of examples/leaderboard.toml. Where they cannot be built, that control is left out.
	-$(INSTALL) --editable '.[pyramid]'
	@touch $@

# On two cores: torch and what else is large beside the core, and what every test imports is compiled while the rest is
# installed. Where that cannot be, tests compile it.
$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing normenc and what its tests need into $(VENV); this takes some minutes."
	$(INSTALL) --no-deps --no-warn-conflicts $(TORCH) $(LARGE) & large=$$!; \
	$(INSTALL) --no-warn-conflicts --editable '.[files]'; status=$$?; wait $$large && exit $$status
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -c $(IMPORTED) > /dev/null 2>&1 & $(INSTALL) --editable '.[nets,test]'; status=$$?; wait; exit $$status
	@touch $(VENV)/.normenc $@

$(VENV)/.docs: $(VENV)/.normenc
	$(INSTALL) --editable '.[docs]'
	@touch $@

$(VENV)/.lint: $(VENV)/.normenc
	$(INSTALL) --editable '.[lint]'
	@touch $@
