"""The scripts that read texts in the browser do what Python does: units, features, sentences, decoding."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mere.data.examples import PieceSpan
from mere.data.features import Features
from mere.data.pieces.hashed import HashedUnits
from mere.data.units import SCRIPTS, UNSPACED_SCRIPTS, Units
from mere.decoding.crf import Chain, best_spans, typed_spans
from mere.decoding.facts import PieceFact, without_conflict
from mere.decoding.limits import Limits
from mere.decoding.types import type_spans
from mere.inference.sentences import split_sentences
from mere.page import static
from tests import tiny
from tests.page.conftest import web_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = (Path(__file__).parents[2] / "examples" / "texts.txt").read_text(encoding="utf-8").splitlines()
STRANGE = [
    "Straße ΣΊΣΥΦΟΣ İstanbul ſ ﬁ K² ①½ ⅷ A\u0301b e\u0301x Ⴀᏸ",
    "👩‍👩‍👧 🇩🇪🇫🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿 n\u0303 \r\n x",
    "क्षत्रिय राष्ट्र 2,500.75 km²",
    "a\x1cb\x85c\ufeffd\u200be \u0600 12 a\x00\x7f",
    "ขอบคุณครับ กรุงเทพ 서울에서 한국어 ゲーム",
    "Dr. Schmidt traf am 3. Mai 1912 Prof. J. R. Müller. Er kam z.B. aus Bonn! „Ja?“ Nein... doch. (1. Teil). Ende",
    "В 1837 г. Пушкин умер. В. И. Ленин жил. Он родился в 1870 г. в Симбирске. Yahoo! Inc. wuchs. 12.",
    "「はい。」と言った。彼は行った！次。\n\n",
    "Mr. Smith (b. 1950) left. The U.S. Army came. He said: “No.” Then… nothing?! OK",
    "x" * 40 + "y.Z ١٢٣ ۴۵" + " Horton Hears a Who! (1955), If I Ran.",
    "",
    " \n ",
]
TEXTS = [*EXAMPLES, *(sentence.text for sentence in tiny.SENTENCES), *STRANGE]
LANGUAGES = ("de", "en", "ru", "ja", "el", "ar", "pl")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page without any policy, which can load the scripts."""
    with web_server(Path(static.__file__).parent / "local") as address:
        page = browser.new_page()
        page.goto(f"{address}/characters.js")
        yield page
        page.close()


def call(page: Page, module: str, function: str, *given: Any) -> Any:
    script = "async ([module, name, given]) => (await import(`/${module}.js`))[name](...given)"
    return page.evaluate(script, [module, function, list(given)])


@pytest.mark.parametrize("known", [False, True])
def test_units_and_their_features(page: Page, known: bool) -> None:
    units = Units(frozenset({"at", "لو", "లో", "에서"}), ("Georgian", "Telugu"))
    features = Features(1000)
    if known:
        features = Features.fit(TEXTS, units, rows=1000, min_count=2)
        assert features.known is not None
    pieces = HashedUnits(units, features)
    config = {
        "rows": 1000,
        "endings": sorted(units.endings),
        "graphemeScripts": list(units.grapheme_scripts),
        "unspaced": list(UNSPACED_SCRIPTS),
        "scripts": list(SCRIPTS),
        **static.characters(),
    }
    found = page.evaluate(
        """async ([config, known, texts]) => {
            const { makePieces } = await import("/units.js");
            const read = makePieces(config, known && new Set(known));
            return texts.map(read).map(({ spans, ids }) => ({ spans, ids: Array.from(ids) }));
        }""",
        [config, None if features.known is None else features.known.tolist(), TEXTS],
    )
    for text, said in zip(TEXTS, found, strict=True):
        spans, ids = pieces.read(text)
        assert [text[start:end] for start, end in said["spans"]] == [text[start:end] for start, end in spans]
        assert said["ids"] == ids.ravel().tolist(), text


def test_sentences(page: Page) -> None:
    texts = [*TEXTS, " ".join(TEXTS)]
    found = page.evaluate(
        """async ([config, texts, languages]) => {
            const { makeSentences } = await import("/sentences.js");
            const cut = makeSentences(config);
            return languages.map((lang) =>
                texts.map((text) => cut(text, lang).map(([start, end]) => text.slice(start, end))));
        }""",
        [static.sentences(LANGUAGES), texts, [None, *LANGUAGES]],
    )
    for lang, by_text in zip([None, *LANGUAGES], found, strict=True):
        for text, said in zip(texts, by_text, strict=True):
            assert said == [text[start:end] for start, end in split_sentences(text, lang)], lang


def chain_of(rng: np.random.Generator, channels: int, tags: int) -> Chain:
    """A chain in which no I follows an O and no sentence begins with an I."""
    start, end = rng.normal(size=(2, channels, tags)).astype(np.float32)
    moves = rng.normal(size=(channels, tags, tags)).astype(np.float32)
    inside = np.arange(2, tags, 2)
    start[:, inside] = static.IMPOSSIBLE
    for tag in inside:
        moves[:, [t for t in range(tags) if t not in (tag - 1, tag)], tag] = static.IMPOSSIBLE
    return Chain(start, moves, end)


def as_json(chain: Chain, channel: int) -> dict[str, Any]:
    return {name: getattr(chain, name)[channel].tolist() for name in ("start", "transitions", "end")}


@pytest.mark.parametrize("seed", range(6))
def test_spans_of_roles(page: Page, seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = int(rng.integers(1, 12))
    emissions = rng.normal(scale=2, size=(1, 2, places, 3)).astype(np.float32)
    chain, limits = chain_of(rng, 2, 3), Limits(longest_span=4, spans_per_role=5)
    [expected] = best_spans(emissions, np.array([places]), chain, limits)
    for channel in (0, 1):
        given = emissions[0, channel].tolist(), as_json(chain, channel), dataclasses.asdict(limits)
        found = call(page, "decoding", "bestSpans", *given)
        assert [(s["start"], s["end"]) for s in found] == [tuple(s.span) for s in expected[channel]]
        assert [s["probability"] for s in found] == pytest.approx(
            [s.probability for s in expected[channel]], abs=1e-4
        )


@pytest.mark.parametrize("seed", range(6))
def test_entities_of_tags_and_of_types(page: Page, seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = int(rng.integers(1, 15))
    lengths = np.array([places])
    scores = rng.normal(scale=2, size=(1, places, 7)).astype(np.float32)
    chain = chain_of(rng, 1, 7)
    [expected] = typed_spans(scores, lengths, chain)
    compare(call(page, "decoding", "typedSpans", scores[0].tolist(), as_json(chain, 0)), expected)
    [expected] = type_spans(scores[..., :4], lengths, np.ones((1, places), dtype=bool))
    compare(call(page, "decoding", "typeRuns", scores[0, :, :4].tolist()), expected)


def compare(found: list[dict[str, Any]], expected: Any) -> None:
    assert [(e["start"], e["end"], e["type"]) for e in found] == [tuple(e[:3]) for e in expected]
    assert [e["score"] for e in found] == pytest.approx([e.probability for e in expected], abs=1e-4)


def test_facts_without_conflict(page: Page) -> None:
    rng = np.random.default_rng(0)
    facts = []
    for _ in range(40):
        (a, c), (b, d) = rng.integers(0, 9, 2).tolist(), rng.integers(1, 4, 2).tolist()
        facts.append(
            PieceFact(
                int(rng.integers(2)), PieceSpan(a, a + b), PieceSpan(c, c + d), float(rng.integers(9)) / 9
            )
        )
    given = [
        {
            "relation": fact.relation_id,
            "subject": {"start": fact.subject[0], "end": fact.subject[1]},
            "object": {"start": fact.object[0], "end": fact.object[1]},
            "score": fact.score,
        }
        for fact in facts
    ]
    found = call(page, "decoding", "withoutConflict", given)
    assert [
        PieceFact(
            f["relation"], PieceSpan(**named(f["subject"])), PieceSpan(**named(f["object"])), f["score"]
        )
        for f in found
    ] == without_conflict(facts)


def named(span: dict[str, int]) -> dict[str, int]:
    return {"start_piece": span["start"], "end_piece": span["end"]}


def test_what_the_scripts_are_given_is_json() -> None:
    json.dumps(static.characters(), allow_nan=False)
    json.dumps(static.sentences(LANGUAGES), allow_nan=False)
