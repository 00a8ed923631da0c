"""`mere calibrate`: a folder that finds the same with other scores, and says how far off they were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import mere as library
from mere.errors import UserError
from mere.inference.calibration import thresholds_for_precision
from mere.metrics.calibration import Curve
from mere.schema import UNIVERSAL
from mere.store.calibration import write_calibration, write_thresholds
from mere.store.files import compare_all
from tests import tiny
from tests.command import mere, refused, worked

TEXTS = [sentence.text for sentence in tiny.SENTENCES]
LANGS = [sentence.lang for sentence in tiny.SENTENCES]


@pytest.fixture(scope="module")
def calibrated(tiny_model: Path, tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calibrated") / "model"
    told = worked(mere("calibrate", tiny_model, tiny_corpus, "--out", out)).stdout
    assert told.splitlines()[1].split()[:2] == ["triples", "universal"]
    return out


def test_the_same_is_found_with_the_scores_of_the_curve(tiny_model: Path, calibrated: Path) -> None:
    record = json.loads((calibrated / "calibration.json").read_text(encoding="utf-8"))
    curve = library.loading.Calibration.read(calibrated).curves["triples"]["universal"]
    assert record["triples"]["universal"]["temperature"] == curve.temperature
    pairs = zip(
        library.load(tiny_model).extract(TEXTS, LANGS),
        library.load(calibrated).extract(TEXTS, LANGS),
        strict=True,
    )
    seen = 0
    for before, after in pairs:
        assert [t.key for t in before.triples] == [t.key for t in after.triples]
        assert [t.score for t in after.triples] == pytest.approx([curve(t.score) for t in before.triples])
        assert all(t.subject in after.entities and t.object in after.entities for t in after.triples)
        seen += len(after.triples)
    assert seen > 5


def test_a_calibration_that_was_changed_is_no_part_of_the_folder(calibrated: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "model"))
    (folder / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(library.ModelError, match=r"calibration\.json"):
        library.load(folder)


def test_an_export_keeps_the_calibration_of_its_languages(calibrated: Path, tmp_path: Path) -> None:
    whole = library.loading.Calibration.read(calibrated)
    worked(mere("export", calibrated, "--as", "model", "--lang", "de", "--out", tmp_path / "de"))
    one = library.load(tmp_path / "de").calibration
    assert one.curves["triples"].keys() <= {"universal", "de"}
    assert one._score("triples", "de", 0.4) == whole._score("triples", "de", 0.4)
    worked(mere("export", calibrated, "--as", "onnx", "--precision", "fp32", "--out", tmp_path / "onnx"))
    assert library.load(tmp_path / "onnx").calibration == whole
    assert "## Calibration" in (tmp_path / "onnx" / "README.md").read_text(encoding="utf-8")


def test_a_wished_precision(calibrated: Path, tiny_model: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(TEXTS), encoding="utf-8")
    said = refused(mere("extract", tiny_model, text, "--min-precision", "0.9"), "is not calibrated")
    assert "mere calibrate" in said
    refused(mere("extract", calibrated, text, "--min-precision", "0.9"), "too few answers")
    folder = Path(shutil.copytree(calibrated, tmp_path / "model"))
    record = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    scores = sorted(t.score for d in library.load(folder).extract(TEXTS, LANGS) for t in d.triples)
    middle = scores[len(scores) // 2]
    record["triples"]["universal"]["scores_for_precision"] = {"0.50": 0.0, "0.80": middle}
    write_calibration(folder, record, "## Calibration\n")
    refused(
        mere("extract", folder, text, "--min-precision", "0.9"), "Ask for that or less: --min-precision 0.80"
    )
    every = list(library.load(folder).extract(TEXTS, LANGS))
    sure = list(library.load(folder, min_precision=0.8).extract(TEXTS, LANGS))
    for all_of_it, rest in zip(every, sure, strict=True):
        assert rest.triples == tuple(t for t in all_of_it.triples if t.score >= middle)
        assert {t.subject for t in rest.triples} <= set(rest.entities) <= set(all_of_it.entities)
    assert 0 < sum(len(d.triples) for d in sure) < sum(len(d.triples) for d in every)


def test_a_calibration_of_an_earlier_mere_notes_no_precision(calibrated: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "model"))
    record = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    del record["triples"]["universal"]["scores_for_precision"]
    write_calibration(folder, record, "## Calibration\n")
    with pytest.raises(library.UserError, match="calibrated by an earlier mere"):
        library.load(folder, min_precision=0.5)


def test_what_cannot_be_calibrated(
    tiny_model: Path, calibrated: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    refused(mere("calibrate", tiny_model, tiny_corpus, "--out", calibrated), "is there already")
    refused(mere("calibrate", tiny_model, tmp_path / "none", "--out", tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_thresholds_rise_to_a_precision_and_no_language_is_below_all_of_them(tmp_path: Path) -> None:
    rows = {
        UNIVERSAL: {"temperature": 2.0, "offset": -0.5, "scores_for_precision": {"0.80": 0.6}},
        "de": {"temperature": 1.0, "offset": 0.0, "scores_for_precision": {"0.80": 0.4}},
        "te": {"temperature": 1.0, "offset": 0.5, "scores_for_precision": {"0.80": 0.9}},
    }
    before = {UNIVERSAL: 0.3, "de": 0.7, "te": 0.2, "ja": 0.1}
    raised = thresholds_for_precision(tmp_path, {"triples": rows}, 0.8, before)
    assert raised["de"] == 0.7  # higher than 0.6, which is that of all languages
    for path, probability in ((UNIVERSAL, 0.6), ("te", 0.9), ("ja", 0.6)):
        own = rows.get(path, rows[UNIVERSAL])
        curve = Curve(own["temperature"], own["offset"])
        assert curve(raised[path]) == pytest.approx(probability)
    with pytest.raises(UserError, match=r"a precision of 0\.95 was not reached on dev"):
        thresholds_for_precision(tmp_path, {"triples": rows}, 0.95, before)


def test_thresholds_are_written_where_they_are_read(calibrated: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(calibrated, tmp_path / "model"))
    write_thresholds(folder, {UNIVERSAL: 0.5, "de": 0.9})
    compare_all(folder)
    assert library.load(folder).predictor.thresholds == {UNIVERSAL: 0.5, "de": 0.9}
