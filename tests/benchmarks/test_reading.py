"""Files of figures: what is written is read again, and what does not fit is refused by key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.reading import read

from mere.errors import DataError
from mere.research.results import Results
from tests.research.results_examples import results

Record = dict[str, Any]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    results().write(tmp_path / "new" / "facts.json")
    assert read(Results, tmp_path / "new" / "facts.json") == results()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["facts.json"]


def broken(change: Callable[[Record], object]) -> str:
    record = results().model_dump(mode="json")
    change(record)
    return json.dumps(record)


BAD_RECORDS: list[tuple[Callable[[Record], object], str]] = [
    (lambda r: r.update(experimant="x"), 'unknown key experimant. Did you mean "experiment"?'),
    (lambda r: r.pop("commit"), "lacks the key commit."),
    (lambda r: r["hardware"].pop("cpu"), "lacks the key hardware.cpu."),
    (lambda r: r["hardware"].update(host="x"), "unknown key hardware.host."),
    (lambda r: r.update(seeds=[]), "seeds: "),
    (lambda r: r.update(seeds=["0"]), "seeds.0: Input should be a valid integer, found '0'"),
    (lambda r: r.update(date="yesterday"), "date: "),
    (
        lambda r: r["systems"]["naive"]["metrics"]["relation_f1"]["de"].update(low=0.9),
        "systems.naive.metrics.relation_f1.de: Value error, low 0.9 is above high",
    ),
    (
        lambda r: r["systems"]["naive"]["metrics"]["relation_f1"]["de"].update(value=float("nan")),
        "systems.naive.metrics.relation_f1.de",
    ),
    (
        lambda r: r["systems"]["two-stage"]["costs"].update(train_second=1),
        'unknown key systems.two-stage.costs.train_second. Did you mean "train_seconds"?',
    ),
    (
        lambda r: r["comparisons"][0].update(b="naiv"),
        'comparisons.0.b is "naiv", which is no system of this file. Did you mean "naive"?',
    ),
    (lambda r: r["comparisons"][0].update(p=1.5), "comparisons.0.p: "),
    (lambda r: r["comparisons"][0].update(test="t-test"), "comparisons.0.test: "),
]


@pytest.mark.parametrize(("change", "message"), BAD_RECORDS)
def test_what_does_not_fit_is_named_with_its_file_and_key(
    tmp_path: Path, change: Callable[[Record], object], message: str
) -> None:
    path = tmp_path / "facts.json"
    path.write_text(broken(change), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(Results, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(broken(lambda r: (r.pop("data"), r.update(extra=1), r.update(seeds=3))), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(Results, path)
    assert len(str(caught.value).splitlines()) == 3


def test_files_that_are_no_results_at_all(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with pytest.raises(DataError, match=r"facts\.json: cannot be read: No such file.*Run the experiment"):
        read(Results, path)
    path.write_text('{"experiment": "facts",\n"desc', encoding="utf-8")
    with pytest.raises(DataError, match=r"facts\.json:2: is no JSON: "):
        read(Results, path)
    path.write_bytes(b'{"experiment": "\xff"}')
    with pytest.raises(DataError, match=r"facts\.json: is not UTF-8: .* at byte 16"):
        read(Results, path)
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(DataError, match=r"facts\.json: \(the whole file\): "):
        read(Results, path)
