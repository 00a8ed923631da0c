# make demo    install without torch, read text of many languages with the models that come with mere, write a graph
# make quickstart    train both stages on the quick-start corpus, score, extract triples from raw text
# make models DATA=… E5=…    train the models that come with mere again: the corpora of their cards, and their teacher
# make test    the test suite        make check   format, lint, types, generated tables
# make docs    the documentation, docs/_build/index.html; warnings are errors
# make clean   what these made       All of them work on a fresh clone: set-up is a dependency.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BARE := $(VENV)/.bare
TRAINS := $(VENV)/.trains
READY := $(VENV)/.ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DOCS := README.md $(wildcard docs/*.md)

.PHONY: demo quickstart models test check docs clean

$(BARE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	touch $@

$(TRAINS): $(BARE)
	$(INSTALL) -e ".[train]"
	touch $@

$(READY): $(TRAINS)
	$(INSTALL) -e ".[train,hf,report,uima,spacy,tensorboard,serve,parquet,ray,docs,dev]"
	touch $@

demo: $(BARE)
	@mkdir -p runs/demo
	@echo "== entities and triples, by the models that come with mere"
	$(BIN)/mere extract examples/news.txt > runs/demo/documents.jsonl
	$(BIN)/python examples/show.py < runs/demo/documents.jsonl
	$(BIN)/mere graph runs/demo/documents.jsonl --out runs/demo/graph.html
	$(BIN)/mere graph runs/demo/documents.jsonl --out runs/demo/graph.ttl
	@echo; echo "Open runs/demo/graph.html. To train a model yourself, in a few minutes: make quickstart"

quickstart: $(TRAINS)
	$(BIN)/mere train recipes/quickstart.yaml --out runs/quickstart --resume
	$(BIN)/mere quickstart --out runs/quickstart-corpus > /dev/null
	@echo; echo "== test: sentence patterns seen in training, names that never occur there"
	$(BIN)/mere evaluate runs/quickstart/model runs/quickstart-corpus --split test
	@echo; echo "== heldout: sentence patterns that never occur in training"
	$(BIN)/mere evaluate runs/quickstart/model runs/quickstart-corpus --split heldout
	@echo; echo "== triples from raw text"
	$(BIN)/mere extract runs/quickstart/model examples/texts.txt > runs/quickstart/texts.jsonl
	$(BIN)/python examples/show.py < runs/quickstart/texts.jsonl

models: $(READY)
	test -e runs/names-start || $(BIN)/python benchmarks/distil.py $(E5) recipes/names.yaml \
	  --set data.path=$(DATA)/ner/open --out runs/names-start
	$(BIN)/mere train recipes/names.yaml --set data.path=$(DATA)/ner/open --set start=runs/names-start \
	  --out runs/names --resume
	rm -rf runs/wide runs/names/es runs/names/it runs/names/pl runs/names/ru
	$(BIN)/mere quickstart --wide --out runs/wide
	from=model; for lang in es it pl ru; do \
	  $(BIN)/mere add-language runs/names/$$from runs/wide --lang $$lang --skip-unknown --epochs 2 \
	    --out runs/names/$$lang || exit 1; from=$$lang; done
	rm -rf runs/names/calibrated runs/names/export runs/facts/calibrated runs/facts/export
	$(BIN)/mere calibrate runs/names/ru $(DATA)/ner/open --out runs/names/calibrated
	$(BIN)/mere export runs/names/calibrated --as onnx --precision int8 --force --dev $(DATA)/ner/open \
	  --out runs/names/export  # forced: dev of the smallest languages has too few names to hold half a point
	$(BIN)/python benchmarks/facts_shipped.py data --data $(DATA) --out runs/facts-data
	$(BIN)/mere train recipes/facts-shipped.yaml --from runs/names/model --set data.path=runs/facts-data \
	  --out runs/facts --resume
	$(BIN)/mere calibrate runs/facts/model runs/facts-data --min-precision 0.8 --out runs/facts/calibrated
	$(BIN)/mere export runs/facts/calibrated --as onnx --precision int8 --dev runs/facts-data --out runs/facts/export

# Two workers of one thread each; a file's tests stay with one of them, so what they share is made once, and files with
# slow tests come first (tests/conftest.py). -v lifts pyproject's -q, so that the closing line is pytest's full one.
test: $(READY)
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -v

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m benchmarks.claims --check
	$(BIN)/python -m benchmarks.tables --check $(DOCS)
	$(BIN)/python -m mere.data.formats.page docs/formats.md --check

docs: $(READY)
	$(BIN)/python -m sphinx -q -E -W --keep-going -d docs/_build/.doctrees docs docs/_build
	@echo docs/_build/index.html

clean:
	rm -rf $(VENV) runs dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests examples docs -name __pycache__ -type d -prune -exec rm -rf {} +
