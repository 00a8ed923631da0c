"""Subwords of every family: exact places in any text, what transformers cuts, mentions that units can tell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.data_strategies import texts

pytest.importorskip("transformers")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from mere.config import PretrainedSettings
from mere.data.examples import ExampleMaker
from mere.data.pieces import Subwords, fit_pieces, hub, load_pieces
from mere.data.pieces.pretrained import Checkpoint
from mere.data.pieces.trim import scripts_of
from mere.data.units import Units, align
from mere.errors import ConfigError, ModelError
from mere.schema import Labels
from mere.types import Span
from tests import checkpoints, tiny

HARD = (
    "Hans e\u0301le (2010), 5km 山口花子は👩\u200d👩\u200d👧 రవి కుమార్ ﬁn ㌔ [CLS] <s>",
    "  \u200bein\u00a0Wort\r\n\tİstanbul ﷺ 10,000.5% नमस्ते ",
    "x\u0301\u0302\u200d y\ufe0f ☃️‼ \U0001f1e9\U0001f1ea",
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("checkpoints")
    return {family: checkpoints.make(family, base / family) for family in checkpoints.FAMILIES}


@pytest.fixture(scope="module")
def fitted(folders: dict[str, Path]) -> dict[tuple[str, str], Subwords]:
    return {
        (family, words): fit(folder, words)
        for family, folder in folders.items()
        for words in ("first", "none")
    }


def fit(folder: Path, words: str = "first", **more: object) -> Subwords:
    given = PretrainedSettings(name=str(folder), words=words, **more)  # type: ignore[arg-type]
    pieces = fit_pieces(given, tiny.SENTENCES)
    assert isinstance(pieces, Subwords)
    return pieces


def by_hand(made: Tokenizer, *, words: bool, width: int = 4) -> Subwords:
    """Pieces of a tokenizer whose every subword the test has chosen."""
    specials = hub.Specials((), (), unknown=0, hidden=0)
    checkpoint = Checkpoint("by hand", {"vocab_size": made.get_vocab_size()}, specials, made.get_vocab_size())
    return Subwords(made.to_str(), checkpoint, Units(), words=words, width=width, where="by hand")


def unigram(*subwords: str) -> Tokenizer:
    made = Tokenizer(models.Unigram([("<unk>", 0.0), *((s, -1.0) for s in subwords)], unk_id=0))
    made.normalizer = normalizers.NFKC()
    steps = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    made.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return made


def shown(pieces: Subwords, made: Tokenizer, text: str) -> list[tuple[str, list[str]]]:
    """Each piece's slice of the text, and its subwords."""
    spans = pieces.cut(text)
    rows = pieces.describe(text, spans)
    return [
        (text[start:end], [made.id_to_token(int(number) - 1) for number in row if number])
        for (start, end), row in zip(spans, rows, strict=True)
    ]


def ids_of(pieces: Subwords, text: str) -> list[int]:
    described = pieces.describe(text, pieces.cut(text))
    return [int(number) - 1 for number in described[described > 0]]


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@pytest.mark.parametrize("text", [*checkpoints.TEXTS, "Ein Satz (2010), den niemand 5km weit kannte."])
def test_subwords_are_those_of_transformers(family, text, folders, fitted):
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(folders[family] / "tokenizer.json"))
    assert ids_of(fitted[family, "none"], text) == theirs(text, add_special_tokens=False)["input_ids"]
    given = theirs(text)["input_ids"]
    specials = fitted[family, "none"].checkpoint.specials
    assert [*specials.before, *ids_of(fitted[family, "none"], text), *specials.after] == given


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@settings(deadline=None, max_examples=60)
@given(text=st.one_of(texts(), st.sampled_from(HARD)))
def test_places_in_any_text(family: str, fitted: dict[tuple[str, str], Subwords], text: str) -> None:
    for words in ("first", "none"):
        pieces = fitted[family, words]
        spans = pieces.cut(text)
        assert [span.start for span in spans] == sorted(span.start for span in spans)
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert pieces.describe(text, spans).shape == (len(spans), 8 if words == "first" else 1)
        assert (pieces.describe(text, spans)[:, 0] > 0).all()
        begins = pieces.begins_word(text, spans)
        assert begins.shape == (len(spans),)
        assert begins[:1].all()
        assert not any(begins[i] and spans[i].start == spans[i - 1].start for i in range(1, len(spans)))
        for start, end in spans:
            part = text[start:end]
            assert part.isspace() or part == part.strip()
    units = pieces.units(text) if text.strip() else []
    assert list(dict.fromkeys(fitted[family, "first"].cut(text))) == units


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@pytest.mark.parametrize("text", HARD)
def test_a_range_of_units_can_always_be_told(family, text, fitted):
    pieces = fitted[family, "first"]
    spans, units = pieces.cut(text), pieces.units(text)
    for first, start in enumerate(units):
        for end in units[first:]:
            mention = Span(start.start, end.end)
            found = align(spans, mention)
            assert found is not None
            assert (spans[found[0]].start, spans[found[1] - 1].end) == mention


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_mentions_of_the_corpus(family, fitted):
    """With words no triple is lost; without, those that are lost are counted, and the others slice right."""
    labels = Labels.from_sentences(tiny.SENTENCES)
    _, report = tiny.many(ExampleMaker(fitted[family, "first"], labels), tiny.SENTENCES)
    assert report.triples.total() == 13
    assert report.lost_triples.total() == 0
    pieces, lost = fitted[family, "none"], 0
    for sentence in tiny.SENTENCES:
        spans = pieces.cut(sentence.text)
        for entity in sentence.entities:
            found = align(spans, entity.span)
            lost += found is None
            if found:
                assert sentence.text[spans[found[0]].start : spans[found[1] - 1].end] == entity.text
    _, report = tiny.many(ExampleMaker(pieces, labels), tiny.SENTENCES)
    assert bool(report.lost_triples.total()) == bool(lost)


def test_a_subword_over_the_border_of_a_unit_is_read_again_by_hand():
    made = unigram("▁Ro", "stock.", "stock", ".", "▁", "生まれ", "生", "ま", "れ", "た", "。", "▁in")
    assert made.encode("in Rostock.").tokens == ["▁in", "▁Ro", "stock."]
    text = "in Rostock. 生まれた。"
    assert shown(by_hand(made, words=True), made, text) == [
        ("in", ["▁in"]),
        ("Rostock", ["▁Ro", "stock"]),
        (".", ["."]),
        ("生", ["▁", "生"]),
        ("ま", ["ま"]),
        ("れ", ["れ"]),
        ("た", ["た"]),
        ("。", ["。"]),
    ]
    assert shown(by_hand(made, words=False), made, text)[1:5] == [
        ("Ro", ["▁Ro"]),
        ("stock.", ["stock."]),
        ("生", ["▁"]),
        ("生まれ", ["生まれ"]),
    ]


def test_normalisers_that_change_the_length_by_hand():
    made = unigram("▁", "fi", "n", "é", "キ", "ロ", "x")
    text = "ﬁn e\u0301x ㌔"
    assert shown(by_hand(made, words=False), made, text) == [
        ("ﬁ", ["▁"]),
        ("ﬁ", ["fi"]),
        ("n", ["n"]),
        ("e\u0301", ["▁"]),
        ("e\u0301", ["é"]),
        ("x", ["x"]),
        ("㌔", ["▁"]),
        ("㌔", ["キ"]),
        ("㌔", ["ロ"]),
    ]


def test_word_pieces_by_hand():
    made = Tokenizer(models.WordPiece({"[UNK]": 0, "5km": 1, "5": 2, "km": 3, "##km": 4}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    assert shown(by_hand(made, words=False), made, "5KM") == [("5KM", ["5km"])]
    assert shown(by_hand(made, words=True), made, "5KM") == [("5", ["5"]), ("KM", ["km"])]
    assert shown(by_hand(made, words=True), made, "5 \x07") == [("5", ["5"]), ("\x07", ["[UNK]"])]


def test_the_bytes_of_one_character_share_its_span(fitted):
    text = "Ω e\u0301!"
    pieces = fitted["modernbert", "none"]
    parts = [text[start:end] for start, end in pieces.cut(text)]
    assert parts == ["Ω", "Ω", " ", "e\u0301", "e\u0301", "!"]
    assert pieces.begins_word(text, pieces.cut(text)).tolist() == [True, False, True, True, False, True]
    assert align(pieces.cut(text), Span(2, 4)) == (3, 5)


def test_a_long_word_is_several_pieces_and_loses_nothing(folders):
    made = unigram("▁", *"abcdefghij")
    pieces = by_hand(made, words=True, width=4)
    text = "a abcdefghij b"
    assert shown(pieces, made, text) == [
        ("a", ["▁", "a"]),
        ("abcdefghij", ["▁", "a", "b", "c"]),
        ("abcdefghij", ["d", "e", "f", "g"]),
        ("abcdefghij", ["h", "i", "j"]),
        ("b", ["▁", "b"]),
    ]
    assert pieces.begins_word(text, pieces.cut(text)).tolist() == [True, True, False, False, True]
    assert align(pieces.cut(text), Span(2, 12)) == (1, 4)
    assert ids_of(pieces, text) == made.encode(text).ids


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_a_special_subword_in_a_text_is_text(family, folders, fitted):
    made = Tokenizer.from_file(str(folders[family] / "tokenizer.json"))
    for name in ("[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<pad>"):
        id = made.token_to_id(name)
        if id is not None:
            assert id in made.encode(f"Hans {name}", add_special_tokens=False).ids
            assert id not in ids_of(fitted[family, "none"], f"Hans {name}")
    bytes_of = fitted["modernbert", "none"]
    assert [span.start for span in bytes_of.cut("[CLS]")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("trim", ["none", "texts"])
@pytest.mark.parametrize("words", ["first", "none"])
def test_what_is_saved_reads_the_same(words, trim, folders):
    pieces = fit(folders["deberta-v2"], words, trim=trim)
    record = json.loads(json.dumps(pieces.to_json()))
    given = PretrainedSettings(name="gone", words=words, trim=trim)
    again = load_pieces(given, record, pieces.arrays(), pieces.files())
    assert isinstance(again, Subwords)
    assert again.checkpoint.config == pieces.checkpoint.config
    assert again.checkpoint.specials == pieces.checkpoint.specials
    assert again.checkpoint.rows == pieces.checkpoint.rows
    for text in (*checkpoints.TEXTS, *HARD):
        assert again.cut(text) == pieces.cut(text)
        assert np.array_equal(again.describe(text, []), pieces.describe(text, []))


def test_a_hidden_mention_is_masked(fitted):
    pieces = fitted["bert", "first"]
    spans = pieces.cut("Hans Reinhold kam")
    described = pieces.describe("Hans Reinhold kam", spans)
    pieces.hide(described, 0, 2)
    mask = pieces.checkpoint.specials.hidden + 1
    assert set(described[:2].ravel()) == {0, mask}
    assert mask not in described[2]
    assert mask not in pieces.describe("Hans Reinhold kam", spans)


@pytest.mark.parametrize("trim", ["scripts", "texts"])
@pytest.mark.parametrize("words", ["first", "none"])
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_a_trimmed_vocabulary_cuts_the_corpus_alike(family, words, trim, tmp_path_factory):
    folder = wide(family, tmp_path_factory)
    whole, small = fit(folder, words), fit(folder, words, trim=trim)
    kept = small.checkpoint.kept
    assert kept is not None
    assert small.checkpoint.config["vocab_size"] == len(kept) < whole.checkpoint.config["vocab_size"]
    assert small.checkpoint.rows == whole.checkpoint.config["vocab_size"]
    assert "Cyrillic" not in scripts_of(tiny.SENTENCES)
    for sentence in tiny.SENTENCES:
        assert small.cut(sentence.text) == whole.cut(sentence.text)
        assert kept[ids_of(small, sentence.text)].tolist() == ids_of(whole, sentence.text)
    specials, before = small.checkpoint.specials, whole.checkpoint.specials
    assert kept[list(specials.before)].tolist() == list(before.before)
    assert kept[list(specials.after)].tolist() == list(before.after)
    assert (kept[specials.unknown], kept[specials.hidden]) == (before.unknown, before.hidden)


def wide(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose vocabulary was learned from a language more than the corpus has."""
    foreign = ["Владимир родился в Новгороде.", "Мария Петрова писала книги о Владимире.", "Новгород зимой."]
    folder = Path(tmp_path_factory.getbasetemp()) / f"wide-{family}"
    if not folder.is_dir():
        checkpoints.make(family, folder, texts=(*checkpoints.TEXTS, *foreign), size=500)
    return folder


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "modernbert"])
def test_a_trimmed_vocabulary_spells_what_the_texts_did_not_say(family, tmp_path_factory):
    pieces = fit(wide(family, tmp_path_factory), trim="texts")
    for word in ("Rostocker", "Malerinnen", "Halle"):
        whole = fit(wide(family, tmp_path_factory))
        unknown, before = pieces.checkpoint.specials.unknown, whole.checkpoint.specials.unknown
        assert (unknown in ids_of(pieces, word)) == (before in ids_of(whole, word))


def test_a_vocabulary_of_words_cannot_be_trimmed(folders, tmp_path):
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 2}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"encoder\.trim: a vocabulary of type WordLevel cannot be trimmed"):
        fit(tmp_path, trim="texts")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "org/none",
            "org/none: neither a folder, nor in the Hugging Face cache.*Fetch it: hf download org/none",
        ),
        ("elmo", "elmo: neither a folder.*nor one of compact, byte-words, .*hf download elmo"),
        ("./none", r"\./none: there is no such folder"),
        ("a/b/c", "a/b/c: there is no such folder"),
        ("no hub name", "neither a folder nor a hub name"),
    ],
)
def test_a_checkpoint_that_is_not_here(name, said):
    with pytest.raises(ModelError, match=said):
        hub.find(name)


def test_a_hub_name_is_found_in_the_cache(folders, tmp_path, monkeypatch):
    """The layout that `hf download` leaves, at the place that HF_HUB_CACHE names."""
    snapshot = tmp_path / "models--org--tiny" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--org--tiny" / "refs").mkdir()
    (tmp_path / "models--org--tiny" / "refs" / "main").write_text("abc", encoding="utf-8")
    for file in folders["bert"].iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert hub.find("org/tiny") == snapshot
    assert fit(Path("org/tiny")).cut("Hans kam.") == fit(folders["bert"]).cut("Hans kam.")


def test_files_that_are_no_checkpoint(folders, tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json here"):
        hub.find(str(tmp_path))
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="not readable as JSON"):
        fit(tmp_path)
    (tmp_path / "config.json").write_bytes((folders["bert"] / "config.json").read_bytes())
    with pytest.raises(ModelError, match=r"neither tokenizer\.json nor a vocabulary"):
        fit(tmp_path)
    (tmp_path / "spiece.model").write_bytes(b"no such thing")
    with pytest.raises(ModelError, match="pip install sentencepiece protobuf"):
        fit(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="not a tokenizer that this version"):
        fit(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((folders["bert"] / "tokenizer.json").read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 9}', encoding="utf-8")
    with pytest.raises(ModelError, match="They are not of one checkpoint"):
        fit(tmp_path)


def test_a_slow_tokenizer_is_converted(folders, tmp_path):
    fast = json.loads((folders["bert"] / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = fast["model"]["vocab"]
    (tmp_path / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
    (tmp_path / "config.json").write_bytes((folders["bert"] / "config.json").read_bytes())
    named = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(named), encoding="utf-8")
    converted, original = fit(tmp_path), fit(folders["bert"])
    assert converted.checkpoint.specials == original.checkpoint.specials
    for text in checkpoints.TEXTS:
        assert ids_of(converted, text) == ids_of(original, text)
