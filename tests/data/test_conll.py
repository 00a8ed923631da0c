"""CoNLL's columns: tags by hand and by property, texts that offsets hold in, every fault with file and line."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from data_strategies import sentences, texts
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mere.data.check import check
from mere.data.corpus import Corpus
from mere.data.formats import Format, Problem, conll, jsonl, sniff
from mere.data.formats.schemes import Scheme, TokenSpan, WrongTag, fits, to_spans, to_tags
from mere.data.formats.tokens import NotInText, aligned, joined
from mere.errors import DataError
from mere.types import Entity, Sentence, Triple

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
unhurried = settings(deadline=None)

# Five tokens: a person of two, an other of one beside it, nothing, a place of one at the end.
SPANS = [TokenSpan(0, 2, "PER"), TokenSpan(2, 3, "PER"), TokenSpan(4, 5, "LOC")]
BY_HAND = {
    Scheme.IOB2: "B-PER I-PER B-PER O B-LOC",
    Scheme.IOB1: "I-PER I-PER B-PER O I-LOC",
    Scheme.BIOES: "B-PER E-PER S-PER O S-LOC",
    Scheme.BILOU: "B-PER L-PER U-PER O U-LOC",
}
# Tags that cannot stand where they do, and the entities that conlleval counts in them.
MENDED = [
    (Scheme.IOB2, "O I-PER I-PER", [(1, 3, "PER")], 1),
    (Scheme.IOB2, "B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")], 1),
    (Scheme.IOB2, "B-O O B-PER", [(2, 3, "PER")], 1),
    (Scheme.IOB1, "B-PER I-PER O", [(0, 2, "PER")], 1),
    (Scheme.IOB1, "I-PER B-LOC O", [(0, 1, "PER"), (1, 2, "LOC")], 1),
    (Scheme.BIOES, "B-PER O O", [(0, 1, "PER")], 1),
    (Scheme.BIOES, "B-PER I-PER B-PER", [(0, 2, "PER"), (2, 3, "PER")], 2),
    (Scheme.BIOES, "O E-PER S-PER", [(1, 2, "PER"), (2, 3, "PER")], 1),
    (Scheme.BIOES, "B-PER E-LOC O", [(0, 1, "PER"), (1, 2, "LOC")], 2),
    (Scheme.BILOU, "I-PER L-PER O", [(0, 2, "PER")], 1),
]


@pytest.mark.parametrize("scheme", Scheme)
def test_each_scheme_by_hand(scheme: Scheme) -> None:
    tags = BY_HAND[scheme].split()
    assert to_tags(SPANS, 5, scheme) == tags
    assert to_spans(tags, scheme) == (SPANS, [])
    assert [name for name, count in fits([tags]).items() if not count] == [scheme]


@pytest.mark.parametrize(("scheme", "tags", "spans", "num_mends"), MENDED)
def test_tags_that_cannot_stand(
    scheme: Scheme, tags: str, spans: list[tuple[int, int, str]], num_mends: int
) -> None:
    read, mends = to_spans(tags.split(), scheme)
    assert [tuple(span) for span in read] == spans
    assert len(mends) == num_mends


@pytest.mark.parametrize("tag", ["E-PER", "PER", "B-", "b-PER", "", "X-PER"])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(WrongTag, match=r"is no tag of IOB2 \(B-, I- and a type, or O\)") as raised:
        to_spans(["O", tag], Scheme.IOB2)
    assert raised.value.token == 1


@st.composite
def tagged(draw: st.DrawFn) -> tuple[int, list[TokenSpan]]:
    """A number of tokens and entities over them, side by side or apart."""
    spans, at = [], 0
    for _ in range(draw(st.integers(0, 4))):
        start = at + draw(st.integers(0, 2))
        at = start + draw(st.integers(1, 3))
        spans.append(TokenSpan(start, at, draw(st.sampled_from(["PER", "LOC", "x-y", "B-PER"]))))
    return at + draw(st.integers(0, 2)), spans


@unhurried
@given(tagged(), st.sampled_from(list(Scheme)))
def test_tags_and_entities_are_inverse(case: tuple[int, list[TokenSpan]], scheme: Scheme) -> None:
    length, spans = case
    tags = to_tags(spans, length, scheme)
    assert to_spans(tags, scheme) == (spans, [])


@unhurried
@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=8))
def test_conllevals_reading_is_seqevals(tags: list[str]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")
    theirs = [TokenSpan(start, end + 1, type_) for type_, start, end in seqeval.get_entities(tags)]
    assert to_spans(tags, Scheme.IOB2)[0] == theirs


@unhurried
@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "E-LOC"]), max_size=8))
def test_whatever_is_mended_stands(tags: list[str]) -> None:
    spans, mends = to_spans(tags, Scheme.BIOES)
    again = to_tags(spans, len(tags), Scheme.BIOES)
    assert to_spans(again, Scheme.BIOES) == (spans, [])
    assert (again == tags) == (not mends)


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


tokens_strategy = st.lists(texts(forbidden="\t\n"), min_size=1, max_size=6)


@unhurried
@given(tokens_strategy)
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


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


TWO_COLUMNS = "Ada\tB-PER\nByron\tI-PER\nlebt\tO\n\n# \tO\nin\tO\nGraz\tB-LOC\n"
LAYOUTS = {
    "de.train.conll": TWO_COLUMNS,
    "de/train.bio": TWO_COLUMNS.replace("\n", "\r\n") + "\r\n\r\n",
    "de.train.iob": "\ufeff\n\n" + TWO_COLUMNS.replace("\t", "  ").replace("# ", "#").replace("\n", " \n"),
    "de_x-ud-train.iob2.gz": gzip.compress(TWO_COLUMNS.encode()),
    "de.train.iob2": (
        "-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nByron NNP I-NP I-PER\nlebt VB B-VP O\n\n"
        "# SYM O O\nin IN B-PP O\nGraz NNP B-NP B-LOC\n"
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, LAYOUTS[name])
    assert sniff(path) is Format.CONLL
    one, two = conll.read(path)
    assert (one.lang, one.text, two.text.split()) == ("de", "Ada Byron lebt", ["#", "in", "Graz"])
    assert one.entities == (Entity(0, 9, "Ada Byron", "PER"),)
    assert [entity.text for entity in two.entities] == ["Graz"]
    assert one.relations_covered == two.relations_covered == frozenset()
    assert one.extra["tokens"] == [[0, 3], [4, 9], [10, 14]]
    assert one.complete


def test_documents_ids_and_a_column_by_request(tmp_path: Path) -> None:
    rows = "-DOCSTART- O O\n\nAda B-PER O\n\n\n-DOCSTART- O O\nGraz B-LOC B-X\n"
    path = write(tmp_path / "de.dev.conll", rows)
    one, two = conll.read(path, tag_column=2)
    assert [(s.id, s.extra["document"], s.entities[0].type) for s in (one, two)] == [
        ("de.dev:3", 1, "PER"),
        ("de.dev:7", 2, "LOC"),
    ]
    assert [[entity.type for entity in sentence.entities] for sentence in conll.read(path)] == [[], ["X"]]
    assert conll.write([one, two], tmp_path / "out.conll").lost == Counter()
    assert (tmp_path / "out.conll").read_text() == (
        "-DOCSTART-\tO\n\nAda\tB-PER\n\n-DOCSTART-\tO\n\nGraz\tB-LOC\n\n"
    )


UNIVERSAL = """\
# newdoc id = d1
# sent_id = d1-1
# text = „Ada“ lebt in #Graz.
1\t„\tO\t-\t-
2\tAda\tB-PER\t-\tme
3\t“\tO
4\tlebt\tO
5\tin\tO
6\t#\tO
7\tGraz\tB-LOC\t-\tme
8\t.\tO

# sent_id = d1-2
1\tNichts\tO
"""


def test_universal_ners_layout(tmp_path: Path) -> None:
    path = write(tmp_path / "de_x-ud-test.iob2", UNIVERSAL)
    repairs = conll.Repairs()
    one, two = conll.read(path, repairs=repairs)
    assert (one.id, one.text) == ("d1-1", "„Ada“ lebt in #Graz.")
    assert [(entity.start, entity.end, entity.text) for entity in one.entities] == [
        (1, 4, "Ada"),
        (15, 19, "Graz"),
    ]
    assert (two.id, two.text, two.lang) == ("d1-2", "Nichts", "de")
    assert repairs.unread == {"comment lines": 1, "rows with columns beside token and tag": 3}
    assert Corpus.load(path).sizes() == {"test": {"de": 2}}
    conll.write([one, two], tmp_path / "de.test.conll")
    assert (
        (tmp_path / "de.test.conll")
        .read_text()
        .startswith("# sent_id = d1-1\n# text = „Ada“ lebt in #Graz.\n„\tO\n")
    )
    assert list(conll.read(tmp_path / "de.test.conll")) == [one, two]


def test_a_first_token_that_is_a_number_is_no_id(tmp_path: Path) -> None:
    rows = "# text = 1 Ada\n1\tCD\tB-NP\tO\nAda\tNNP\tI-NP\tB-PER\n"
    (sentence,) = conll.read(write(tmp_path / "de.train.conll", rows))
    assert (sentence.text, sentence.entities) == ("1 Ada", (Entity(2, 5, "Ada", "PER"),))


BAD = [
    ("Ada\tB-PER\nlebt\n", 2, "1 column, 2 were expected as in the file's first row"),
    ("Ada B-PER\nin Graz O\n", 2, "3 columns, 2 were expected"),
    ("Ada\n", 1, "1 column, a token and its tag were expected"),
    ("Ada\tB-PER\n\tO\n", 2, "the row has no token"),
    ("Ada\tPER\n", 1, '"PER" is no tag of IOB2 (B-, I- and a type, or O). The file\'s tags fit no scheme'),
    (
        "Bo\tO\n\nder\tO\nAda\tI-PER\n",
        4,
        'the tag I-PER of "Ada" comes after O; in IOB2 every entity begins with B-. '
        "Run: mere convert --scheme iob1 {path} OUT (all tags of the file fit IOB1).",
    ),
    (
        "Ada\tS-PER\n",
        1,
        '"S-PER" is no tag of IOB2 (B-, I- and a type, or O). Run: mere convert --scheme bioes {path} OUT (all tags',
    ),
    ("Ada\tU-PER\n", 1, "Run: mere convert --scheme bilou {path} OUT (all tags of the file fit BILOU)."),
    (
        "Ada\tB-PER\nBo\tI-LOC\n\nBo\tB-PER\n",
        2,
        "Run: mere convert --scheme iob2 {path} OUT (IOB2 fits best, with 1 tag to mend).",
    ),
    ("Ada\tB-O\n", 1, 'the tag B-O of "Ada" names no type'),
    (
        "# text = Ada da\nAda\tO\nist\tO\n",
        3,
        'token 2 is "ist" but the text goes on with "da". Mend the # text line',
    ),
    (
        "Ada\tO\nB\xfcrger\tO\n".encode("latin-1"),
        2,
        "is not UTF-8. Convert it: iconv -f WINDOWS-1252 -t UTF-8",
    ),
]


@pytest.mark.parametrize(("content", "line", "message"), BAD)
def test_bad_input_names_file_line_and_cure(
    tmp_path: Path, content: str | bytes, line: int, message: str
) -> None:
    path = write(tmp_path / "de.train.conll", content)
    with pytest.raises(DataError) as raised:
        list(conll.read(path))
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert message.replace("{path}", str(path)) in str(raised.value)
    with pytest.raises(DataError):
        Corpus.load(tmp_path)


def test_reading_goes_on_after_a_bad_sentence(tmp_path: Path) -> None:
    good = "Ada\tB-PER\n\n"
    bad = "Bo\tI-PER\nlebt\n\nEva\tI-PER\n\n"
    path = write(
        tmp_path / "de.train.conll", (good + bad + good).encode() + b"Z\xfcge\tO\nda\tO\n\n" + good.encode()
    )
    problems: list[Problem] = []
    assert [sentence.id for sentence in conll.read(path, problems)] == [
        "de.train:1", "de.train:8", "de.train:13",
    ]  # fmt: skip
    assert [(problem.line, problem.code) for problem in problems] == [
        (4, "conll-columns"),
        (6, "conll-tag"),
        (10, "not-utf8"),
    ]
    report = check([path])
    assert {finding.code: finding.count for finding in report.errors} == {
        "conll-columns": 1,
        "conll-tag": 1,
        "not-utf8": 1,
    }


def test_no_language_and_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.conll", "Ada\tB-PER\n")
    with pytest.raises(
        DataError, match=r"rows\.conll: no language is known\. Name the file like de\.train\.conll"
    ):
        list(conll.read(path))
    assert next(conll.read(path, lang="de")).lang == "de"
    write(tmp_path / "c" / "de.train.conll", "\n# only a comment = 1\n\n")
    with pytest.raises(DataError, match="the file holds no sentence"):
        Corpus.load(tmp_path / "c")
    with pytest.raises(DataError, match="UTF-16"):
        list(conll.read(write(tmp_path / "de.conll", "Ada\tO\n".encode("utf-16")), lang="de"))


def test_a_scheme_by_name_mends_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "de.train.conll", "Ada\tI-PER\nBo\tB-LOC\n\nEva\tB-PER\n")
    repairs = conll.Repairs()
    read = list(conll.read(path, scheme=Scheme.IOB1, repairs=repairs))
    assert [[entity.text for entity in sentence.entities] for sentence in read] == [["Ada", "Bo"], ["Eva"]]
    assert repairs.repaired == {"B- where IOB1 writes I-": 2}
    with pytest.warns(UserWarning, match="tags mended: I- that begins an entity read as B-: 1"):
        list(conll.read(path, scheme=Scheme.IOB2))


@in_one_folder
@given(tokens_strategy, st.data(), st.sampled_from(list(Scheme)))
def test_round_trip_of_tokens_and_tags(
    tmp_path: Path, tokens: list[str], data: st.DataObject, scheme: Scheme
) -> None:
    assume("-DOCSTART-" not in tokens and not any(token.startswith("# ") for token in tokens))
    borders = data.draw(st.lists(st.integers(0, len(tokens)), unique=True, max_size=4).map(sorted))
    spans = [TokenSpan(a, b, "LOC") for a, b in zip(borders[::2], borders[1::2], strict=False)]
    tags = to_tags(spans, len(tokens), scheme)
    path = tmp_path / "de.train.conll"
    rows = "".join(f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True))
    path.write_bytes(("\ufeff" + rows + "\n" + rows).encode())
    read = list(conll.read(path, scheme=scheme))
    jsonl.write(read, tmp_path / "a.jsonl")
    assert list(jsonl.read(tmp_path / "a.jsonl")) == read
    written = conll.write(jsonl.read(tmp_path / "a.jsonl"), tmp_path / "de.dev.conll", scheme=scheme)
    assert (written.sentences, written.left_out, written.lost) == (2, Counter(), Counter())
    mark = "\ufeff" if rows.startswith("\ufeff") else ""  # readers take the first for a byte order mark
    assert (tmp_path / "de.dev.conll").read_bytes() == (mark + rows + "\n" + rows + "\n").encode()


@in_one_folder
@given(sentences())
def test_any_sentence_is_written_and_read_again_or_counted(tmp_path: Path, sentence: Sentence) -> None:
    path = tmp_path / f"{sentence.lang}.train.conll"
    written = conll.write([sentence], path)
    if written.left_out:
        assert written.sentences == 0
        return
    (read,) = conll.read(path)
    flat = {(entity.span, entity.type) for entity in read.entities}
    own = {(entity.span, entity.type) for entity in sentence.entities}
    if "texts with a line break, which becomes a space" in written.lost:
        return
    assert read.text == sentence.text
    assert read.id == sentence.id or "ids with a line break" in written.lost or ":" in sentence.id
    if "entities with white space at their ends" not in written.lost:
        assert flat <= own
    if not any("entities" in kind for kind in written.lost):
        assert flat == own
    assert written.lost["triples"] == len(sentence.triples)


def test_writing_cuts_words_and_counts_what_is_lost(tmp_path: Path) -> None:
    text = "Ada's Grazerin, 東京都."
    ada, graz, tokyo = Entity(0, 3, "Ada", "PER"), Entity(6, 10, "Graz", "LOC"), Entity(16, 18, "東京", "LOC")
    whole = Entity(0, 10, text[:10], None)
    sentence = Sentence("s", "de", text, (ada, graz, tokyo, whole), (Triple(ada, "r", graz),), source="x")
    sentence = replace(sentence, types_covered=frozenset({"PER", "LOC"}))
    written = conll.write([sentence, Sentence("t", "de", " ")], tmp_path / "de.dev.conll")
    assert (tmp_path / "de.dev.conll").read_text() == (
        f"# sent_id = s\n# text = {text}\nAda\tB-PER\n'\tO\ns\tO\nGraz\tB-LOC\nerin\tO\n,\tO\n"
        "東\tB-LOC\n京\tI-LOC\n都\tO\n.\tO\n\n"
    )
    assert (written.sentences, written.left_out) == (1, {"no token": 1})
    assert written.lost == {
        "entities without a type": 1,
        "triples": 1,
        "sources": 1,
        "relations_covered, read again as none": 1,
        "lists of types covered": 1,
        "sentences without token offsets, cut into words": 1,
        "tokens cut at an entity's border": 1,
    }
    assert [entity.text for entity in next(conll.read(tmp_path / "de.dev.conll")).entities] == [
        "Ada",
        "Graz",
        "東京",
    ]


@pytest.fixture(scope="module")
def shared_ner() -> Path:
    """The real corpora of entities; the tests are skipped where they are not there."""
    root = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("MERE_DATA") or root / "shared" / "data") / "ner"
    if not folder.is_dir():
        pytest.skip("no real data here; set MERE_DATA to its folder")
    return folder


def test_conlls_published_counts(shared_ner: Path) -> None:
    """Training data of CoNLL-2002 and 2003 as published (de without its empty sentences)."""
    train = Corpus.load(shared_ner / "conll").sentences("train")
    entities: Counter[str] = Counter()
    for sentence in train:
        entities[sentence.lang] += len(sentence.entities)
    assert Counter(sentence.lang for sentence in train) == {
        "en": 14_041,
        "es": 8_323,
        "nl": 15_806,
        "de": 12_152,
    }
    assert entities == {"en": 23_499, "es": 18_798, "nl": 13_344, "de": 11_851}


@pytest.mark.parametrize(
    "name", ["open/th/dev", "open/ja/dev", "open/zh/dev", "masakha/fon/dev", "conll/de/dev"]
)
def test_real_files_come_back_byte_for_byte(shared_ner: Path, tmp_path: Path, name: str) -> None:
    path = shared_ner / f"{name}.bio.gz"
    written = conll.write(conll.read(path), tmp_path / "back.conll")
    assert not written.left_out
    assert not written.lost
    assert (tmp_path / "back.conll").read_bytes().rstrip() == gzip.decompress(path.read_bytes()).rstrip()
