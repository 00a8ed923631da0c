"""The data of a run: training and dev sentences, texts without annotation, labels, and the encoder's pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mere.config import DataSettings, Recipe
from mere.data.corpora import load_corpora
from mere.data.corpus import Corpus
from mere.data.examples import refuse_unreadable
from mere.data.pieces import Pieces, Subwords, fit_pieces
from mere.data.sampling import drawn
from mere.data.text import join_texts, read_text
from mere.decoding.arguments import learned
from mere.errors import DataError
from mere.inference.language import never_identified
from mere.schema import Labels
from mere.training.evaluation import is_annotated
from mere.training.initialisation import model_to_start_from
from mere.training.parallel.processes import Processes, refuse_too_many
from mere.types import Sentence


@dataclass(frozen=True)
class RunData:
    """The data that a run reads from the corpora of its recipe.

    Args:
        train: the sentences that are drawn for training. dev: those that can be scored; may be none.
        notes: what the user should know.
        text: all texts that masked stages read; empty without such a stage.
    """

    corpus: Corpus
    train: Sequence[Sentence]
    dev: Sequence[Sentence]
    labels: Labels
    pieces: Pieces
    notes: tuple[str, ...]
    text: Sequence[Sentence] = ()

    @classmethod
    def read(cls, recipe: Recipe, processes: Processes) -> RunData:
        """Read a recipe's corpora.

        Raises:
            DataError: a corpus is wrong, or has nothing to learn. UserError: too many processes share it.
        """
        corpus = load_corpora(recipe.data)
        train = drawn(corpus.sentences(recipe.data.train_split), recipe.data.limit, recipe.seed)
        refuse_too_many(processes, len(train))
        labels = labels_of(recipe, train)
        dev, notes = _dev_of(recipe, corpus)
        text, read = _text_of(recipe, corpus, train)
        start = model_to_start_from(recipe)
        pieces = fit_pieces(recipe.encoder, train, text) if start is None else start.pieces
        refuse_unreadable(train, pieces)
        refuse_unreadable(dev, pieces)
        return cls(
            corpus,
            train,
            dev,
            labels,
            pieces,
            (*notes, *read, *_trimmed(pieces), *_never_identified(labels)),
            text,
        )


def labels_of(recipe: Recipe, sentences: Sequence[Sentence]) -> Labels:
    """Return the labels of a model that is trained for the recipe's tasks on `sentences`.

    Raises:
        DataError: there is nothing to learn for a task.
    """
    found = Labels.from_sentences(sentences)
    covered = {t for s in sentences if s.complete for t in s.types_covered or ()}
    types = tuple(sorted(covered)) if "entities" in recipe.task else ()
    relations = found.relations if "triples" in recipe.task else ()
    where = f"{recipe.data.where}: "
    if "triples" in recipe.task and not relations:
        raise DataError(
            f"{where}no triple in the split {recipe.data.train_split}, so there is nothing to learn. "
            f"Run: mere check {recipe.data.where}"
        )
    if "entities" in recipe.task and not types:
        raise DataError(
            f"{where}no source whose entities all have types in the split {recipe.data.train_split}, so there is "
            "nothing to learn for the task entities. Map mentions without a type: data.types={'*': ENTITY}."
        )
    arguments = learned(sentences, types) if relations and types else ()
    return Labels(relations, types, found.languages, arguments)


def _text_of(
    recipe: Recipe, corpus: Corpus, train: Sequence[Sentence]
) -> tuple[tuple[Sentence, ...], tuple[str, ...]]:
    """Return the texts that the masked stages of a recipe read, and notes on them."""
    if all(not stage.learns_from_text for stage in recipe.stages):
        unread = "data.text is not read: no stage learns from text (objective: masked)"
        return (), (unread,) if recipe.data.texts else ()
    split = recipe.data.train_split
    others = [sentence for path in recipe.data.texts for sentence in read_text(path, split)]
    held_out = {
        (s.lang, s.text) for name, sentences in corpus.splits.items() if name != split for s in sentences
    }
    return join_texts(train, others, held_out)


def _never_identified(labels: Labels) -> tuple[str, ...]:
    """Return a note on the languages that a text must state, since it is never identified as theirs."""
    langs = never_identified(labels.languages)
    if not langs:
        return ()
    state = "state it with each text (lang, --lang), or it takes the universal path"
    return (f"no text is ever identified as {', '.join(langs)}: {state}",)


def _trimmed(pieces: Pieces) -> tuple[str, ...]:
    """Return a note on how many subwords were kept, where a pretrained encoder's vocabulary was trimmed."""
    if not isinstance(pieces, Subwords) or pieces.checkpoint.kept is None:
        return ()
    kept, rows = len(pieces.checkpoint.kept), pieces.checkpoint.rows
    return (f"{kept:,} of the encoder's {rows:,} subwords are kept",)


def _dev_of(recipe: Recipe, corpus: Corpus) -> tuple[tuple[Sentence, ...], tuple[str, ...]]:
    """Return the sentences that can be scored, and a note where there are none."""
    split = recipe.data.dev_split
    optional = split == DataSettings().dev_split  # a split that was asked for by name must be there
    dev = () if optional and split not in corpus.splits else corpus.sentences(split)
    scored = tuple(sentence for sentence in dev if is_annotated(sentence, recipe.task))
    if scored:
        return scored, ()
    why = f'nothing in the split "{split}" is annotated for the task' if dev else f'no split "{split}"'
    return (), (f"{why}: the last weights are kept and thresholds stay at their default",)
