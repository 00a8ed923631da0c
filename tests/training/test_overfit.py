"""A tiny corpus is learned by heart: both stages, every script, F1 1.0, through the files on disk."""

import json

import mere
from mere.data.coverage import join_corpora
from mere.metrics.report import evaluate
from mere.models.backend import load_predictor
from tests import tiny


def test_both_stages_overfit_to_one(tiny_model):
    predictor = load_predictor(tiny_model)
    gold = tiny.SENTENCES
    predicted = predictor.predict([s.text for s in gold], [s.lang for s in gold])
    report = evaluate(gold, predicted, resamples=0).to_json()
    assert report["metrics"]["triple_f1/strict"]["micro"]["value"] == 1.0


def test_extraction_from_raw_text_finds_what_was_learned(tiny_model):
    extractor = mere.load(tiny_model)
    document = extractor(
        "\ufeffHans Reinhold wurde in Rostock geboren.\r\nAm Abend wurde es still.", lang="de"
    )
    found = [(t.subject.text, t.relation, t.object.text) for t in document.triples]
    assert found == [("Hans Reinhold", "birth-place", "Rostock")]
    assert all(document.text[e.start : e.end] == e.text for e in document.entities)


def test_the_run_folder_says_what_was_done(tiny_run):
    run = json.loads((tiny_run / "run.json").read_text(encoding="utf-8"))
    assert run["seed"] == 2
    assert run["data"]["fingerprint"] == join_corpora([tiny.CORPUS], {}).fingerprint()
    events = [json.loads(line) for line in (tiny_run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {event["event"] for event in events} == {"alignment", "step", "evaluation"}
    scores = [event["triple_f1/strict"]["macro"] for event in events if event["event"] == "evaluation"]
    assert scores[1] == 100.0, "by the end of the first stage"
    assert not (tiny_run / "checkpoint.safetensors").exists()
    assert "| de |" in (tiny_run / "model" / "README.md").read_text(encoding="utf-8")


def test_the_other_context_learns(tiny_corpus, tmp_path):
    """The tiny model's own is two LSTMs."""
    from mere.training.run import train

    recipe = tiny.recipe(
        data={"path": str(tiny_corpus)},
        encoder=tiny.recipe().encoder.model_dump() | {"context": "transformer"},
        stages=[tiny.recipe().stages[0].model_dump() | {"epochs": 120, "lr": 0.008}],
    )
    model = train(recipe, tmp_path / "run", progress=False)
    dev = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["dev"]["triple_f1/strict"]
    assert dev["macro"] == 100.0
