"""The lines of a file of columns made into blocks, one a sentence: rows, comments, headers, ends of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mere import advice
from mere.data.formats.layout import DOCSTART, Layout
from mere.data.formats.lines import JOINED, half_problem, has_half, join_halves, piped
from mere.data.formats.problems import Problem, report
from mere.data.formats.tally import Tally

_KEY = re.compile(r"# *(text|sent_id) *= ?(.*)", re.DOTALL)
_ID = re.compile(r"#+ *(?:id|sid|sent-id|sentence[-_]?id) *[=: ] *(\S+)", re.IGNORECASE)
_DOCUMENT = re.compile(r"# *(?:newdoc\b|begin document\b|(?:\S*:)?doc(?:ument)?_?id *=)(.*)", re.IGNORECASE)
_COMMENT = re.compile(
    r"# *(?:[A-Za-z_][\w.:-]*(?: +\w+)? *=(?: |$)|new(?:doc|par)\b|(?:begin|end) document\b)"
)
_OTHER_SIGNS = ("#", "%", "//", ";", "<")
_MARKUP = re.compile(r"</?[A-Za-z!?][^<>]*>\s*")
_RANGE = re.compile(r"(\d+)-(\d+)")
_NOTHING = ("_", "-", "")
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad \t"
_LINES = r'import sys; sys.stdout.buffer.write(b"\n".join(sys.stdin.buffer.read().splitlines()) + b"\n")'
_BORDERS = frozenset({"<s>", "</s>", "<bos>", "<eos>", "<BOS>", "<EOS>", "[CLS]", "[SEP]"})
_EMPTY_NODE = re.compile(r"\d+\.\d+")


def is_comment_for_sure(line: str) -> bool:
    """Whether a line is a comment whatever the columns are."""
    return _COMMENT.match(line) is not None


def shows_anything(line: str) -> bool:
    """Whether a line is not blank: what is left without spaces and invisible characters."""
    return bool(line.strip()) and (line[:1].isascii() or bool(line.strip(_INVISIBLE).strip()))


def may_be_comment(line: str) -> bool:
    """Whether a line begins like a comment, a document or markup."""
    return line.startswith((DOCSTART, f"-{DOCSTART}", *_OTHER_SIGNS))


@dataclass
class Block:
    """The rows of one sentence.

    Args:
        glued: for every token whether no space follows it; empty where no column says so.
        lines: the line of every token.
        text: what a comment says that the text is.
        document: which of the file's documents it is in, from 1; 0 where the file names none.
        broken: whether a line could not be read; it is told.
    """

    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    glued: list[bool] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    text: str | None = None
    id: str = ""
    document: int = 0
    broken: bool = False

    def add(self, token: str, tag: str, line: int) -> None:
        self.tokens.append(token)
        self.tags.append(tag)
        self.lines.append(line)


class Rows:
    """Takes the lines of a file one after the other and gives blocks where sentences end.

    Args:
        problems: where rows that cannot be read are noted; None raises.
        tally: where what is not kept is counted.
    """

    def __init__(self, path: Path, layout: Layout, problems: list[Problem] | None, tally: Tally):
        self.path, self.layout, self.problems, self.tally = path, layout, problems, tally
        self.block = Block()
        self._stated = ""  # the document that a comment named last
        self._sentence = ""  # what the column that names the sentences said last
        self._count = -1  # what the column that counts the tokens said last
        self._covered = -1  # the last word of the multiword token that is read as one

    def _unused(self, fields: list[str]) -> set[str]:
        """Return what the row says that no sentence keeps, in words."""
        layout = self.layout
        used = {layout.token, layout.tag, layout.index, layout.spaces, layout.sentence}
        others = [
            column for column, value in enumerate(fields) if column not in used and value not in _NOTHING
        ]
        names = layout.header
        return {
            f"column {names[c]}" if c < len(names) else "rows with columns beside token and tag"
            for c in others
        }

    def end(self) -> Iterator[Block]:
        """Yield the block that ends here, if it has rows."""
        block, self._covered = self.block, -1
        self.block = Block(document=block.document)
        if not block.tokens:
            return None
        for token, line in zip(block.tokens, block.lines, strict=True):
            if has_half(token) and not block.broken:
                report(half_problem(self.path, line, token), self.problems)
                block.broken = True
        yield block

    def take_or_end(self, line: str, number: int = 0) -> Iterator[Block]:
        """Take a line; yield the block that ends with it, if one does."""
        return self._take(line, number) if shows_anything(line) else self.end()

    def _take(self, line: str, number: int) -> Iterator[Block]:
        layout, at_start = self.layout, not self.block.lines
        fields = layout.fields(line)
        if fields[0].strip("-<>") == DOCSTART.strip("-") and fields[0] != DOCSTART.strip("-"):
            yield from self.end()
            self.block = Block(document=self.block.document + 1)
        elif may_be_comment(line) and self._is_comment(line, fields, at_start):
            if _MARKUP.fullmatch(line):
                yield from self.end()
            self._comment(line)
        elif layout.header and tuple(name.strip() for name in fields) == layout.header:
            self.tally.lost[f"header rows ({', '.join(layout.header)})"] += 1
        elif layout.token < len(fields) and fields[layout.token] in _BORDERS:
            yield from self.end()
            self.tally.repaired["rows that mark where a sentence begins or ends"] += 1
        else:
            if self._begins_anew(fields):
                yield from self.end()
            self._row(fields, line, number)
            if layout.ends_sentence(fields):
                yield from self.end()

    def _is_comment(self, line: str, fields: list[str], at_start: bool) -> bool:
        if self.layout.is_row(fields) and not (line.startswith("# ") and _KEY.match(line) and at_start):
            return False
        if at_start or _COMMENT.match(line) or _MARKUP.fullmatch(line):
            return True
        return line.startswith("#") and self.layout.tabs and "\t" not in line

    def _comment(self, line: str) -> None:
        if key := _KEY.match(line):
            if key[1] == "text":
                self.block.text = key[2]
            else:
                self.block.id = key[2]
            return
        if found := _ID.match(line):
            self.block.id = self.block.id or found[1]
        elif (named := _DOCUMENT.match(line)) and (named[1] != self._stated or not named[1]):
            self._stated = named[1]
            self.block.document += 1
        self.tally.lost["comment lines"] += 1

    def _begins_anew(self, fields: list[str]) -> bool:
        """Whether a column says that another sentence begins, where no blank line parts them."""
        index, sentence = self.layout.index, self.layout.sentence
        if sentence is not None and sentence < len(fields) and (named := fields[sentence].strip()):
            before, self._sentence = self._sentence, named
            return named != before and bool(self.block.lines)
        if index is None or not self.block.lines or index >= len(fields):
            return False
        return fields[index] in ("0", "1") and self._count > int(fields[index])

    def _row(self, fields: list[str], line: str, number: int) -> None:
        layout, block = self.layout, self.block
        if layout.index is not None and layout.index < len(fields) and self._is_no_word(fields, number):
            return None
        if not layout.has(fields):
            if spaced := self._blank(fields, line):
                fields = spaced
            else:
                return self._refuse(number, _columns(fields, layout, self.path))
        token = fields[layout.token]
        if not token:
            fault = "conll-no-token", "the row has no token", "Write it, or delete the row."
            return self._refuse(number, fault)
        tag = fields[layout.tag].strip()
        if has_half(token) and block.tokens and has_half(block.tokens[-1]):
            joined = join_halves(block.tokens[-1] + token, None)
            if not has_half(joined):
                block.tokens[-1] = joined
                self.tally.repaired[JOINED] += 1
                return None
        block.add(token, tag, number)
        if layout.spaces is not None:
            block.glued.append(layout.is_glued(fields))
            if layout.no_space and layout.spaces >= len(layout.header):
                self.tally.repaired[
                    f"rows whose column {layout.spaces + 1} was read as where spaces follow"
                ] += 1
        if len(fields) > 2:
            self.tally.lost.update(self._unused(fields))
        return None

    def _is_no_word(self, fields: list[str], number: int) -> bool:
        """Deal with what CoNLL-U numbers 3-4 (a token of two words) and 3.1 (a word that is not written)."""
        layout = self.layout
        value = fields[layout.index or 0]
        if value.isdigit():
            self._count = int(value)
            if self._count > self._covered:
                return False
            tag = fields[layout.tag].strip() if layout.tag < len(fields) else "O"
            if self.block.tags and self.block.tags[-1] == "O" and tag != "O":
                self.block.tags[-1] = tag
            return True
        if _EMPTY_NODE.fullmatch(value):
            self.tally.lost["words that are not written (3.1)"] += 1
            return True
        found = _RANGE.fullmatch(value)
        if found is None or not layout.has(fields):
            return False
        self._covered = int(found[2])
        self.block.add(fields[layout.token], "O", number)
        if layout.spaces is not None:
            self.block.glued.append(layout.is_glued(fields))
        self.tally.repaired["tokens of several words (3-4), read as written"] += 1
        return True

    def _blank(self, fields: list[str], line: str) -> list[str]:
        """Return the fields of a row whose token is a space, in a file that spaces part; none for other rows."""
        layout = self.layout
        if layout.tabs or layout.token != 0 or line[:1] != " " or len(fields) != layout.columns - 1:
            return []
        return [" ", *fields]

    def _refuse(self, number: int, fault: tuple[str, str, str]) -> None:
        if not self.block.broken:
            code, message, cure = fault
            report(Problem(self.path, number, code, message, cure), self.problems)
        self.block.broken = True
        self.block.add("?", "O", number)


def _columns(fields: list[str], layout: Layout, path: Path) -> tuple[str, str, str]:
    found = f"{len(fields)} column{'' if len(fields) == 1 else 's'}"
    wanted = f"{layout.columns}{' or more' if layout.ragged else ''}"
    cure = "A row is a token, a tab and its tag; columns between them may stand in every row or in none."
    if len(fields) == 1 < layout.columns and path.suffix != ".gz":
        sign = re.sub(r"([][\\.*^$/])", r"\\\1", fields[0])
        out = advice.beside(path, "blank")
        cure += f" If it parts sentences: {advice.run('sed', f's/^{sign}$//', path, '>', out)}"
    if layout.columns == 1:
        expected = "a token and its tag were expected, each in a column of its own"
        return "conll-columns", f"{found}, {expected}", cure
    if any("\r" in value for value in fields):
        cure = (
            f"A carriage return stands inside the row: end every line alike. {piped(path, _LINES, 'lines')}"
        )
    return "conll-columns", f"{found}, {wanted} were expected as in most of the file's rows", cure
