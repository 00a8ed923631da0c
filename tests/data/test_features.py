"""Features: the hash is CRC-32 and nothing else, row 0 is padding, and a unit reads the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.data.features import NUM_FEATURES, SLOTS, Features
from mere.data.units import Units
from tests.data.data_strategies import texts

ROWS = 4096


def crc32(data: bytes) -> int:
    """CRC-32 bit by bit, by the reflected polynomial of ISO 3309."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def row(kind: str, value: str) -> int:
    return crc32(f"{kind}\0{value}".encode()) % (ROWS - 1) + 1


def features(text: str, rows: int = ROWS) -> np.ndarray:
    return Features(rows)(text, Units()(text))


def test_the_tests_crc_is_the_standard_one() -> None:
    assert crc32(b"123456789") == 0xCBF43926


def test_the_slots_follow_one_another() -> None:
    assert [(slot.start, slot.stop) for slot in SLOTS] == [(0, 2), (2, 10), (10, 26), (26, 30)]
    assert NUM_FEATURES == 30


def test_a_latin_word_by_hand() -> None:
    expected = [row("f", "haus"), row("b", "|haus")]
    expected += [row("p1", "h"), row("p2", "ha"), row("p3", "hau"), row("p4", "haus")]
    expected += [row("s1", "s"), row("s2", "us"), row("s3", "aus"), row("s4", "haus")]
    grams = ["<ha", "hau", "aus", "us>", "<hau", "haus", "aus>", "<haus", "haus>"]
    expected += [row("n", gram) for gram in grams] + [0] * 7
    expected += [row("x", "Xxxx"), row("y", "Xx"), row("c", "Latin|Lu"), row("g", "False|Xx")]
    assert features("Ein Haus")[1].tolist() == expected


def test_a_character_of_an_unspaced_script_knows_what_stands_before_it() -> None:
    expected = [row("f", "都"), row("b", "京|都")]
    expected += [row(f"{kind}{n}", "都") for kind in "ps" for n in (1, 2, 3, 4)]
    expected += [row("n", "<都>")] + [0] * 15
    expected += [row("x", "a"), row("y", "a"), row("c", "Han|Lo"), row("g", "True|a")]
    assert features("東京都")[2].tolist() == expected


def test_an_ending_knows_its_stem_and_digits_share_their_shape() -> None:
    text = "మాధవపురంలో"
    stem, ending = Features(ROWS)(text, Units(frozenset({"లో"}))(text))
    assert stem[1] == row("b", "|మాధవపురం")
    assert ending[1] == row("b", "పురం|లో")
    first, second = features("1984 2077")
    assert first[SLOTS.form].tolist() == [row("f", "1984"), row("b", "|1984")]
    assert first[2:].tolist() == second[2:].tolist()
    assert first[SLOTS.affixes].tolist()[3] == row("p4", "0000")


def test_a_long_unit_keeps_sixteen_ngrams_from_all_over_it() -> None:
    word = "donaudampfschifffahrt"
    marked = f"<{word}>"
    grams = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    chosen = [row("n", grams[i * len(grams) // 16]) for i in range(16)]
    assert features(word)[0, SLOTS.ngrams].tolist() == chosen


@settings(deadline=None)
@given(texts(), st.sampled_from([64, 65536]))
def test_ids_are_rows_and_row_0_is_only_padding(text: str, rows: int) -> None:
    spans = Units()(text)
    ids = Features(rows)(text, spans)
    assert ids.shape == (len(spans), NUM_FEATURES)
    assert ids.dtype == np.int32
    assert ((ids >= 0) & (ids < rows)).all()
    for group in (SLOTS.form, SLOTS.affixes, SLOTS.shapes):
        assert (ids[:, group] > 0).all()
    is_gram = ids[:, SLOTS.ngrams] > 0
    assert is_gram[:, 0].all()
    assert (is_gram[:, :-1] >= is_gram[:, 1:]).all(), "what is not there stands after what is"


@settings(deadline=None)
@given(texts())
def test_a_unit_is_hashed_the_same_on_its_own_and_again(text: str) -> None:
    hasher, spans = Features(ROWS), Units()(text)
    once = hasher(text, spans)
    once[:] += 1  # a caller may write into what it was given
    again, fresh = hasher(text, spans), Features(ROWS)(text, spans)
    assert (again == fresh).all()
    assert (once == fresh + 1).all()


def test_rare_features_are_left_out_and_the_others_keep_their_rows() -> None:
    texts = ["Jena liegt", "Ulm liegt", "Jena ruht"]
    fitted = Features.fit(texts, Units(), rows=ROWS, min_count=2)
    everything, known = (
        features("Jena liegt Weimar"),
        fitted("Jena liegt Weimar", Units()("Jena liegt Weimar")),
    )
    assert known[0].tolist() == everything[0].tolist()  # twice in training
    assert known[1, 0] == row("f", "liegt")
    assert known[2, 0] == 0  # never in training: as if it had no form
    assert known[2, SLOTS.shapes.start + 1] == row("y", "Xx")  # but it has a shape that others have
    assert set(known[known > 0].tolist()) <= set(everything.ravel().tolist())
    assert Features.fit(texts, Units(), rows=ROWS, min_count=1).known is None


def test_no_units_no_rows() -> None:
    assert features(" ").shape == (0, NUM_FEATURES)


def test_processes_agree_whatever_their_hash_seed() -> None:
    script = (
        "from mere.data.features import Features\nfrom mere.data.units import Units\n"
        "text = 'Łódź 東京 నందపురంలో 👩‍👩‍👧 1984'\nprint(Features(4096)(text, Units()(text)).tolist())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] == f"{features('Łódź 東京 నందపురంలో 👩‍👩‍👧 1984').tolist()}\n"


COMPOSED = ["Zoé", "Łódź", "Ångström", "한국", "क़लम", "ガ", "ΐ", "ﬁnal"]


@pytest.mark.parametrize("word", COMPOSED)
def test_composed_and_decomposed_forms_share_form_affixes_and_ngrams(word: str) -> None:
    nfc, nfd = (Features(ROWS)._compute(unicodedata.normalize(f, word), False, "") for f in ("NFC", "NFD"))
    assert nfc[: SLOTS.shapes.start].tolist() == nfd[: SLOTS.shapes.start].tolist()


def test_composed_and_decomposed_forms_share_their_shapes() -> None:
    nfc, nfd = (features(unicodedata.normalize(form, "Zoé"))[0] for form in ("NFC", "NFD"))
    assert nfc[SLOTS.shapes].tolist() == nfd[SLOTS.shapes].tolist()
