"""Two models read as one: the first one's entities, the second one's triples between them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mere
from mere.errors import ModelError
from mere.inference.calibration import Calibration
from mere.inference.extractor import Extractor
from mere.inference.together import Calibrated, Together
from mere.metrics.calibration import Curve
from mere.schema import UNIVERSAL, Arguments, Labels
from mere.store.fetch import find_models

Make = Callable[..., Any]
TEXTS = st.lists(st.sampled_from(["Ada Byron", "Bo", "met", "im", ". ", "花子は", "👩‍👩‍👧 Eva"]), max_size=30)


def joined(entities: Any, triples: Any, calibration: Calibration | None = None) -> Together:
    triples.arguments = {own.relation: own for own in triples.labels.arguments}
    own = calibration or Calibration()
    return Together(Calibrated(entities, own), Calibrated(triples, own))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXTS.map(" ".join), st.sampled_from([None, "de", "xx"]), st.integers(4, 20), st.integers(4, 20))
def test_a_model_and_itself_are_that_model(
    make_predictor: Make, text: str, lang: str | None, first: int, second: int
) -> None:
    alone = Extractor(make_predictor(min(first, second)))(text, lang)
    assert Extractor(joined(make_predictor(first), make_predictor(second)))(text, lang) == alone


def test_what_each_knows_is_known(make_predictor: Make) -> None:
    first, second = make_predictor(), make_predictor()
    first.labels = Labels((), ("NAME",), ("de", "fr"))
    second.labels = Labels(("near",), (), ("de", "ja"))
    assert joined(first, second).labels == Labels(("near",), ("NAME",), ("de", "fr", "ja"))


def test_mentions_of_triples_take_the_types_of_entities(make_predictor: Make) -> None:
    class OnlyAda(make_predictor):  # type: ignore[misc]
        def predict(self, *args: Any, **kwargs: Any) -> Any:
            found = super().predict(*args, **kwargs)
            return [
                dataclasses.replace(one, entities=tuple(e for e in one.entities if e.text == "Ada"))
                for one in found
            ]

    document = Extractor(joined(OnlyAda(), make_predictor()))("Ada met Bo. Cy slept.", "en")
    assert [(e.text, e.type) for e in document.entities] == [("Ada", "NAME"), ("Bo", None)]
    assert [(t.subject.type, t.object.type) for t in document.triples] == [("NAME", None)]


def test_triples_between_other_types_than_theirs_are_left_out_and_counted(make_predictor: Make) -> None:
    second = make_predictor()
    second.labels = Labels(("near",), (), ("en",), (Arguments("near", ("PER",), ()),))
    together = joined(make_predictor(), second)
    document = Extractor(together)("Ada met Bo.", "en")
    assert ([e.text for e in document.entities], document.triples) == (["Ada", "Bo"], ())
    assert together.unfit == {"near": 1}


def test_each_has_scores_of_its_own(make_predictor: Make) -> None:
    curves = {"triples": {UNIVERSAL: Curve(1.0, -20.0)}, "entities": {UNIVERSAL: Curve(1.0, 20.0)}}
    document = Extractor(joined(make_predictor(), make_predictor(), Calibration(curves)))("Ada met Bo.", "en")
    assert all(entity.score > 0.9 for entity in document.entities)
    assert [triple.score < 0.1 for triple in document.triples] == [True]


def test_two_names_with_a_plus_are_two_models_unless_a_folder_has_that_name(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_model, tmp_path / "a+b")
    monkeypatch.chdir(tmp_path)
    assert find_models("a+b") == (Path("a+b"),)
    assert find_models(f"{tiny_model}+{tiny_model}") == (tiny_model, tiny_model)
    with pytest.raises(ModelError, match="nowhere: no such folder"):
        mere.load(f"{tiny_model}+nowhere")
    text = "Hans Reinhold wurde in Rostock geboren."
    alone, both = mere.load(tiny_model)(text), mere.load(f"{tiny_model}+{tiny_model}")(text)
    assert [t.key for t in both.triples] == [t.key for t in alone.triples] != []


def test_a_note_says_what_does_not_know_a_language(make_predictor: Make) -> None:
    first, second = make_predictor(), make_predictor()
    first.labels = Labels((), ("NAME",), ("de", "en"))
    second.labels = Labels(("near",), (), ("de", "ja"))
    extractor = Extractor(joined(first, second))
    assert extractor("Ada met Bo.", "de").notes == ()
    assert extractor("Ada met Bo.", "en").notes == (
        'the model of triples does not know language "en": universal path',
    )
    assert extractor("花子はここ。", "ja").notes == (
        'the model of entities does not know language "ja": universal path',
    )
    assert extractor("Ada met Bo.", "fr").notes == ('the model does not know language "fr": universal path',)
