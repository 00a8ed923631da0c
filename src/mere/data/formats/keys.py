"""Keys that users and other programs give to what mere calls start, end, type, subject, relation, object and text."""

from __future__ import annotations

STARTS = ("start", "start_offset", "begin", "start_char", "start_pos", "begin_offset")
ENDS = ("end", "end_offset", "stop", "end_char", "end_pos")
SPANS = ("span", "offsets", "offset", "position", "positions", "pos", "range", "loc", "location", "indices",
         "char_span", "interval")  # fmt: skip
"""Keys of both offsets together."""
TYPES = ("label", "tag", "entity_type", "entity_group", "category", "ner", "class", "entity", "name", "entityType",
         "kind", "labels")  # fmt: skip
"""Keys of an entity that mean its type where it has no `type`."""
SUBJECTS = ("from", "head", "subject", "source", "arg1", "from_id", "h", "subj", "sub")
OBJECTS = ("to", "tail", "child", "object", "target", "arg2", "to_id", "t", "obj")
NAMES = ("type", "relation", "label", "name", "predicate", "rel", "r", "property")
"""Keys of a triple that mean its relation."""
TEXTS = ("sentence", "content", "body", "sent", "document", "Text", "TEXT", "raw_text", "sentText")
"""Keys that mean the text of a line without a `text`."""
TOKENS = ("token", "words", "tokenized_text", "sentence")
"""Keys of a list that mean its tokens, where it has none."""
