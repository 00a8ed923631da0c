"""Every finding in words: its weight, its title and what to do about it, weightiest first.

The order here is the order of the report. A title is read before its count.
"""

from __future__ import annotations

from typing import NamedTuple

from mere.data.check.finding import MAX_EXAMPLES, Finding, Tally, Weight


class Entry(NamedTuple):
    """What a kind of finding is called and what it means."""

    weight: Weight
    title: str
    meaning: str


UNREADABLE = Entry("error", "", "The line cannot be used: training refuses the corpus until it is mended.")

READING: dict[str, str] = {
    "conll-which-column": "files of which several columns hold tags",
    "conll-no-token-column": "files of which no column shows words",
    "conll-columns": "rows with other columns than the rest of their file",
    "conll-tag": "sentences with a tag that the scheme does not have, or that cannot stand there",
    "no-language": "files whose language is not known",
    "no-lang": "lines that state no language",
    "no-row-used": "files of which not one row could be used",
    "offset-unit": "files whose offsets look like another unit than characters",
    "other-key": "lines whose annotations stand under a key that mere does not read",
    "not-utf8": "lines that are not UTF-8",
    "half-character": "lines with half a character",
    "gzip-cut": "gzip files that are cut short or damaged",
}
"""What is wrong with lines and files, told by the readers; codes that are not here are told by their words."""

CATALOGUE: dict[str, Entry] = {
    # errors that only a whole sentence shows
    "relation-not-covered": Entry(
        "error",
        "triples whose relation their sentence does not cover",
        "The triple would be neither learnt nor scored. Add the relation to relations_covered.",
    ),
    # leaks: the score measures memory
    "leak-text": Entry(
        "warning",
        "evaluation sentences that also stand in another split of the language",
        "The model has read the answer. Take them out of one of the two.",
    ),
    "leak-text-across": Entry(
        "warning",
        "evaluation sentences that stand in the training data of another language",
        "One model learns all languages, so this leaks too. Take them out of training.",
    ),
    "leak-triple": Entry(
        "warning",
        "evaluation triples whose surface (subject, relation, object) training states in the language",
        "Memory can answer them. Report recall for seen and unseen triples apart, or regroup the splits.",
    ),
    "leak-triple-across": Entry(
        "warning",
        "evaluation triples whose surface only another language's training data states",
        "A multilingual model can answer them from memory where a monolingual one cannot: compare with care.",
    ),
    "leak-pair": Entry(
        "warning",
        "evaluation triples whose entity pair training has in the language, in another relation",
        "Less of a leak than the triple itself. Regroup the splits by entity pair if it matters.",
    ),
    "leak-pair-across": Entry(
        "warning",
        "evaluation triples whose entity pair only another language's training data has, in another relation",
        "Regroup the splits by entity pair over all languages together.",
    ),
    # what cannot be learnt
    "unlearnable-relation": Entry(
        "warning",
        "relations in dev or test that training never shows, in any language",
        "No model can find them: every one is a miss. Move examples into training or leave them out.",
    ),
    "contradiction": Entry(
        "warning",
        "sentences whose text occurs in the split again with other annotations, all marked complete",
        "They teach the opposite of each other. Merge them, or mark them complete: false.",
    ),
    "duplicate": Entry(
        "warning",
        "sentences that repeat another of the split, text and annotations",
        "They count double in training and in the score. Keep one of each.",
    ),
    "type-is-mention": Entry(
        "warning",
        "entities whose type is their own text",
        "A column went astray: such types cannot be learnt. Write the type, or leave it out.",
    ),
    "rare-relation": Entry(
        "warning",
        "relations with fewer than 5 training triples over all languages",
        "Too few to learn, and they weigh as much as any in a macro average over relations.",
    ),
    "rare-type": Entry(
        "warning",
        "entity types with fewer than 5 training entities over all languages",
        "Too few to learn. Merge them into others, or leave the type out.",
    ),
    "near-labels": Entry(
        "warning",
        "labels that differ from another only in case, hyphens or spaces",
        "To the model they are different labels. Write them alike.",
    ),
    "mixed-normalisation": Entry(
        "warning",
        "sentences not in NFC, in languages whose other sentences are",
        "The same word has two spellings in code points. Normalise the text first, then compute offsets.",
    ),
    "cut-character": Entry(
        "warning",
        "mentions that begin or end between a letter and its accent, vowel sign or joiner",
        "A reader sees half a character. Often it is inflection (te, hi); else move the border.",
    ),
    "mention-white-space": Entry(
        "warning",
        "mentions that begin or end with white space or an invisible character",
        "Strict scores ask for it. Move the offsets past it.",
    ),
    "overlap": Entry(
        "warning",
        "entities that overlap a longer one, which a sequence of tags cannot hold",
        "Training on entities and CoNLL files leave them out. Annotate one level, or train each on its own.",
    ),
    "incomplete-several": Entry(
        "warning",
        "sentences marked complete: false that have several triples",
        "They are scored by one prediction against one triple. Split the row, or mark it complete.",
    ),
    "self-relation": Entry(
        "warning",
        "triples whose subject and object are the same span",
        "No tag sequence can say it. Leave them out, or find the second mention.",
    ),
    "repeated-triple": Entry("warning", "triples listed twice in their sentence", "Keep one of each."),
    "empty-text": Entry(
        "warning", "sentences that are empty or white space", "Nothing to learn: delete them."
    ),
    "repeated-id": Entry(
        "warning", "ids that a file uses again", "Predictions are matched by id: make them unique."
    ),
    "language-spellings": Entry(
        "warning",
        "spellings of a language that the data spells in another way too",
        "They are read as one language. Write one of them everywhere, best the code.",
    ),
    "country-code": Entry(
        "warning",
        "sentences whose language is given by what is a country's code",
        "Write the code of the language: --lang says it for files that state it in their names.",
    ),
    "unknown-language": Entry(
        "warning",
        "sentences in a language whose code or name mere does not know",
        "It is a language of its own for the model. Right for a rare one; else write its code, such as de.",
    ),
    "other-script": Entry(
        "warning",
        "sentences without a letter of the script that their language is written in, where most are so",
        "The language may be another: see the code. Transliterated text is right under a code like hi-Latn.",
    ),
    "passed-over": Entry(
        "warning",
        "files and folders that were not read",
        "Name them on the command line, with --from if need be, or take them out of the folder.",
    ),
    "same-name": Entry(
        "warning",
        "files that have the name of another but for its ending",
        "If they hold the same sentences in two formats, every one counts double. Take one away.",
    ),
    "label-for-type": Entry(
        "warning",
        'entities whose type stands under another key than "type"',
        'It was read as the type. Call the key "type"; mere convert does.',
    ),
    "entity-as-list": Entry(
        "warning",
        "entities written as [start, end, type]",
        "They were read so. mere convert writes them as objects.",
    ),
    "other-language": Entry(
        "warning",
        "sentences whose lang is not the language in their file's name",
        "The record's lang decides. Rename the file or mend the record.",
    ),
    "bad-characters": Entry(
        "warning",
        "sentences with U+FFFD, which some earlier conversion put for what it could not read",
        "The original is lost here. Convert again from the source with the right encoding.",
    ),
    "markup": Entry("warning", "sentences with HTML leftovers", "Unescape the text, then compute offsets."),
    "keys-not-kept": Entry(
        "warning",
        "entities or triples with keys that mere does not keep",
        "They are lost when the corpus is written again. Move them to the top level of the line.",
    ),
    # notes: what a reader of the scores should know
    "inside-word-triples": Entry(
        "note",
        "triples with a mention that begins or ends inside a word",
        "Word units cannot represent them: their share is what a word tokeniser loses.",
    ),
    "inside-word": Entry(
        "note",
        "mentions that begin or end inside a word",
        "Inflection and compounds. Take a model whose units are finer than words.",
    ),
    "tokenised": Entry(
        "note",
        'sentences with a space before a comma or full stop, in sources where most are so ("Foo , Bar .")',
        "Tokenised text: plain text will look different to the model. Undo the tokenisation if you can.",
    ),
    "mixed-sources": Entry(
        "note",
        "sources in languages that mix several",
        "They differ in style and in what is annotated: report scores per source as well.",
    ),
    "partial-coverage": Entry(
        "note",
        "sentences that cover only part of the corpus's relations",
        "The other relations give no loss and no false positive there. Fewer negatives for rare relations.",
    ),
    "incomplete": Entry(
        "note",
        "sentences marked complete: false",
        "Their other facts are unannotated: scored by the one-triple protocol, apart from complete ones.",
    ),
    "no-relation-rows": Entry(
        "note",
        "marked pairs without a relation (complete: false, two entities, no triple)",
        "Negatives for their pair only.",
    ),
    "one-pair-rows": Entry(
        "note",
        "sentences whose text comes again with another pair (complete: false)",
        "One text, several rows. Merge them to learn the facts together.",
    ),
    "narrow-language": Entry(
        "note",
        "languages with at most 3 relations",
        "Their scores say little about the others' and lift a macro average.",
    ),
    "zero-shot": Entry(
        "note",
        "relations that a language has in dev or test but not in its own training data",
        "Only what other languages teach can find them.",
    ),
    "rare-in-language": Entry(
        "note",
        "relations with 1 to 4 training triples in their language",
        "Here sharing with other languages should help most.",
    ),
    "never-tested": Entry("note", "relations that occur in training only", "No score will speak of them."),
    "same-span": Entry(
        "note",
        "entities at a span that another entity of the sentence has too",
        "A flat tag sequence can say one of them.",
    ),
    "control-characters": Entry(
        "note", "sentences with control characters", "They are kept. Usually scraps."
    ),
    "long": Entry("note", "sentences of more than 1,000 characters", "Usually several sentences in one."),
    "repaired": Entry("note", "rows repaired while reading", "Each had one possible repair."),
    "left-out": Entry("note", "texts or rows left out while reading", "Nothing is learned from them."),
    "not-kept": Entry(
        "note", "annotations in the files that mere does not keep", "Nothing is learned from them."
    ),
}


def finding(code: str, tally: Tally) -> Finding:
    """Return the finished finding of a tally."""
    entry = CATALOGUE[code]
    by = dict(sorted(tally.by.items(), key=lambda item: (-item[1], item[0])))
    of = {place: tally.of[place] for place in by if tally.of[place]}
    examples = tuple(tally.examples[:MAX_EXAMPLES])
    return Finding(code, entry.weight, entry.title, tally.count, by, of, entry.meaning, examples)
