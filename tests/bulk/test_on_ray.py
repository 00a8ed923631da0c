"""Ray works off the same shards: the same bytes as here, and a row that kills an actor is found there, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mere.bulk import extract_corpus
from tests.bulk import by_rule
from tests.bulk.corpora import parts, run, set_aside, settings, text, write_lines

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    library = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'src'}")  # actors inherit it, and import by_rule
        library.init(
            _system_config={"worker_niceness": 0},  # a busy machine would let them wait
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
        )
        yield library
        library.shutdown()


@pytest.mark.slow
def test_ray_writes_what_local_workers_write(ray: Any, tmp_path: Path) -> None:
    poison = (by_rule.RAISES, by_rule.KILLS)
    corpus = write_lines(tmp_path / "corpus.txt", [*(text(n) for n in range(120)), *poison, text(120)])
    here = run(corpus, tmp_path / "here")
    there = extract_corpus(
        settings(), [str(corpus)], tmp_path / "there", engine="ray", workers=1, load=by_rule.load
    )
    assert parts(tmp_path / "there") == parts(tmp_path / "here")
    assert set_aside(tmp_path / "there") == set_aside(tmp_path / "here")
    assert (there.rows, there.documents, there.set_aside) == (121 + len(poison), 121, len(poison))
    assert there.languages == here.languages
