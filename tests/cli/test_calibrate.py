"""`mere calibrate`: a folder that finds the same with other scores, and says how far off they were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import mere as library
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


def test_an_export_says_that_it_is_not_calibrated(calibrated: Path, tmp_path: Path) -> None:
    done = worked(mere("export", calibrated, "--as", "model", "--lang", "de", "--out", tmp_path / "de"))
    assert f"mere calibrate {tmp_path / 'de'} CORPUS" in done.stderr
    assert library.load(tmp_path / "de").calibration.curves == {}


def test_what_cannot_be_calibrated(
    tiny_model: Path, calibrated: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    refused(mere("calibrate", tiny_model, tiny_corpus, "--out", calibrated), "is there already")
    refused(mere("calibrate", tiny_model, tmp_path / "none", "--out", tmp_path / "x"))
    assert not (tmp_path / "x").exists()
