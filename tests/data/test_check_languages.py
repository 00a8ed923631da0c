"""Languages that are hardly those that are meant: codes of countries, codes of nothing, texts in another script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mere.data.check import check
from mere.data.check.finding import Finding


def found(folder: Path, lang: str, *texts: str) -> dict[str, Finding]:
    path = folder / "rows.jsonl"
    rows = [json.dumps({"lang": lang, "text": text}, ensure_ascii=False) for text in texts]
    path.write_text("\n".join(rows), encoding="utf-8")
    codes = ("country-code", "unknown-language", "other-script")
    return {f.code: f for f in check([path]).findings if f.code in codes}


@pytest.mark.parametrize(
    ("lang", "meant", "read"),
    [
        ("kr", "ko", "Kanuri"), ("se", "sv", "Northern Sami"), ("jp", "ja", "Japanese"), ("CN", "zh", "Chinese"),
        ("gr", "el", "Greek"), ("cz", "cs", "Czech"), ("dk", "da", "Danish"), ("ua", "uk", "Ukrainian"),
        ("at", "de", '"at"'),
    ],
)  # fmt: skip
def test_the_code_of_a_country_is_told_with_the_language(
    tmp_path: Path, lang: str, meant: str, read: str
) -> None:
    finding = found(tmp_path, lang, "…")["country-code"]
    assert finding.weight == "warning"
    assert f"is read as {read};" in finding.examples[0]
    assert f'the language "{meant}"' in finding.examples[0]


@pytest.mark.parametrize("lang", ["xx", "klingon", "zz-ZZ"])
def test_a_code_of_nothing_is_told(tmp_path: Path, lang: str) -> None:
    assert [*found(tmp_path, lang, "…")] == ["unknown-language"]


@pytest.mark.parametrize("lang", ["de", "de-AT", "pt-BR", "hau", "German", "zh-Hant", "nb", "sr"])
def test_a_language_that_is_known_is_not(tmp_path: Path, lang: str) -> None:
    assert [*found(tmp_path, lang, "…")] == []


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("uk", "Ada lives in Leeds."),
        ("ar", "Ada vive en Lugo."),
        ("sl", "Ада живёт в Уфе."),
        ("ko", "花子は来た"),
    ],
)
def test_a_language_in_another_script_is_told(tmp_path: Path, lang: str, text: str) -> None:
    finding = found(tmp_path, lang, text, text)["other-script"]
    assert (finding.count, dict(finding.of)) == (2, {lang: 2})


@pytest.mark.parametrize(
    ("lang", "texts"),
    [
        ("ru", ["Ада тут.", "Ada", "Бо там."]), ("hi-Latn", ["Ada yahan hai"]), ("sr", ["Ada je tu", "Ада је ту"]),
        ("ja", ["花子", "カタカナ"]), ("de", ["2024", "…"]), ("zh", ["我在看iPhone"]),
    ],
)  # fmt: skip
def test_a_foreign_sentence_here_and_there_is_not(tmp_path: Path, lang: str, texts: list[str]) -> None:
    assert "other-script" not in found(tmp_path, lang, *texts)
