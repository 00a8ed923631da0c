"""Texts made of tokens as their script is written, and tokens found again in a text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from mere.data.formats.tokens import NotInText, aligned, joined
from tests.data.data_strategies import token_lists


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("Ada Byron lebt .", "Ada Byron lebt ."),
        ("( 12 , 5 )", "( 12 , 5 )"),
        ("山田 さん は 東京 に 住む 。", "山田さんは東京に住む。"),
        ("彼 は New York で iPhone を 12 台 、 買っ た", "彼はNew YorkでiPhoneを12台、買った"),
        ("我 在 ( 上海 ) 「 Big Ben 」 ！", "我在(上海)「Big Ben」！"),
        ("ฉัน อยู่ ที่ กรุงเทพ ( Bangkok Noi ) 5 ปี", "ฉันอยู่ที่กรุงเทพ(Bangkok Noi)5ปี"),
        ("ຂ້ອຍ ຢູ່ ລາວ", "ຂ້ອຍຢູ່ລາວ"),
        ("ខ្ញុំ នៅ ភ្នំពេញ", "ខ្ញុំនៅភ្នំពេញ"),
        ("ကျွန်တော် ရန်ကုန်", "ကျွန်တော်ရန်ကုန်"),
        ("ང་ ལྷ་ས་ ལ་", "ང་ལྷ་ས་ལ་"),
        ("The sign 山 , 2 m high , means ( mountain ) .", "The sign山, 2 m high , means ( mountain ) ."),
        ("김 대통령 은 서울 에", "김 대통령 은 서울 에"),
        ("金 대통령 은", "金 대통령 은"),
        ("スー パー マン", "スーパーマン"),
    ],
)
def test_tokens_are_joined_as_their_script_is_written(tokens: str, text: str) -> None:
    made, spans = joined(tokens.split())
    assert made == text
    assert [made[start:end] for start, end in spans] == tokens.split()


@given(token_lists)
def test_offsets_hold_and_align_again(tokens: list[str]) -> None:
    text, spans = joined(tokens)
    assert [text[start:end] for start, end in spans] == tokens
    assert all(not text[a.end : b.start].strip(" ") for a, b in pairwise(spans))
    if all(token.strip() for token in tokens):
        assert [text[start:end] for start, end in aligned(tokens, text)] == tokens


def test_a_text_that_is_not_the_tokens_is_refused() -> None:
    assert aligned(["Ada", "'s", "Ada"], "Ada's  Ada ") == [(0, 3), (3, 5), (7, 10)]
    for tokens, message in (
        (["Ada", "Bo"], 'token 2 is "Bo" but the text goes on with "is Bo"'),
        (["Ada", "is", "Bo", "."], 'token 4 is "." but the text goes on with ""'),
        (["Ada", "is"], 'the text goes on after the last token, with "Bo"'),
    ):
        with pytest.raises(NotInText) as raised:
            aligned(tokens, "Ada is Bo")
        assert str(raised.value) == message
