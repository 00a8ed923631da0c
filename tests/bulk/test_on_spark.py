"""The function for Spark: by its contract (frames in, frames out), and in Spark itself where it is installed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mere.bulk import on_spark
from tests.bulk import by_rule
from tests.bulk.corpora import text

TEXTS = [text(1), None, "", by_rule.RAISES, text(2)]
LANGS = ["de", None, None, "de", "en"]
FRAME = pd.DataFrame({"id": range(5), "body": TEXTS, "lang": LANGS})
FUNCTION = on_spark.extraction("", text_column="body", load=by_rule.load)


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def test_each_row_gives_one_in_order_and_frames_may_be_cut_anywhere() -> None:
    (whole,) = FUNCTION(iter([FRAME]))
    cut = pd.concat(FUNCTION(iter([FRAME[:1], FRAME[1:4], FRAME[4:], FRAME[:0]])), ignore_index=True)
    assert plain(whole) == plain(cut)
    assert list(whole["id"]) == ["0", "1", "2", "3", "4"]
    expected = by_rule.load("")(text(1), "de").to_json()
    assert whole["text"][0] == expected["text"]
    assert whole["entities"][0] == expected["entities"]
    assert whole["triples"][0] == expected["triples"]
    assert list(whole["error"].notna()) == [False, True, False, True, False]
    assert whole["error"][3] == "ArithmeticError: division by poison"
    assert "expected a string, got NoneType" in whole["error"][1]
    assert whole["entities"][3] == []


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_in_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql")
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))  # workers import by_rule
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    try:
        frame = spark.createDataFrame(
            [(str(n), body, lang) for n, (body, lang) in enumerate(zip(TEXTS, LANGS, strict=True))],
            "id string, body string, lang string",
        )
        rows = [row.asDict(recursive=True) for row in frame.mapInPandas(FUNCTION, on_spark.SCHEMA).collect()]
    finally:
        spark.stop()
    (expected,) = FUNCTION(iter([FRAME]))
    assert rows == plain(expected)
