"""Bytes that are not UTF-8 are told by how they look, and the advised command gives the text back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mere.data.formats import Reading, conll
from mere.errors import DataError

WRITTEN = [
    ("ja", "shift_jis", "山田\tB-PER\nは\tO\n東京\tB-LOC\n"),
    ("ja", "euc-jp", "山田\tB-PER\nは\tO\n東京\tB-LOC\n"),
    ("zh", "gbk", "李娜\tB-PER\n在\tO\n北京\tB-LOC\n"),
    ("zh", "big5", "李娜\tB-PER\n在\tO\n北京\tB-LOC\n"),
    ("ru", "cp1251", "Павел\tB-PER\nживёт\tO\nздесь\tO\n"),
    ("ru", "koi8-r", "Павел\tB-PER\nживёт\tO\nздесь\tO\n"),
    ("ru", "ibm866", "Павел\tB-PER\nживёт\tO\nздесь\tO\n"),
    ("pl", "cp1250", "Łucja\tB-PER\nśpi\tO\nwciąż\tO\n"),
    ("pl", "iso8859-2", "Łucja\tB-PER\nśpi\tO\nwciąż\tO\n"),
    ("ko", "cp949", "민수\tB-PER\n서울\tB-LOC\n"),
    ("th", "tis-620", "สมชาย\tB-PER\nอยู่\tO\n"),
    ("de", "cp1252", "Jörg\tB-PER\nläuft\tO\n"),
]


@pytest.mark.parametrize(
    ("lang", "encoding", "rows"), WRITTEN, ids=[f"{lang}-{name}" for lang, name, _ in WRITTEN]
)
def test_the_command_gives_the_text(tmp_path: Path, lang: str, encoding: str, rows: str) -> None:
    path = tmp_path / f"{lang}.train.conll"
    path.write_bytes(rows.encode(encoding))
    with pytest.raises(DataError, match="is not UTF-8") as raised:
        list(conll.read(path, reading=Reading()))
    subprocess.run(str(raised.value).partition("Run: ")[2], shell=True, check=True)
    assert (tmp_path / f"{lang}.train.utf8.conll").read_text(encoding="utf-8") == rows
