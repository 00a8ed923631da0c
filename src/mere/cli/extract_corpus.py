"""`mere extract … --out DIR`: a corpus in shards, begun or resumed (mere.bulk)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mere.bulk import CorpusSettings, extract_corpus, resume
from mere.bulk.progress import Talk
from mere.cli.options import told_unfit
from mere.errors import UserError

_DEFAULTS = CorpusSettings(model="", model_digest="")


def run(
    model: str | None,
    files: Sequence[str],
    out: Path,
    options: Mapping[str, Any],
    *,
    go_on: bool,
    engine: Literal["local", "ray"],
    workers: int | None,
) -> None:
    """Begin a run in `out`, or go on with the one there.

    Args:
        options: settings by name; a run that is resumed keeps those that are not given again.
    """
    with Talk() as talk:
        if go_on:
            expected = {key: value for key, value in options.items() if value != getattr(_DEFAULTS, key)}
            if model is not None:
                expected["model"] = model
            if files:
                expected["sources"] = list(files)
            summary = resume(out, expected=expected, engine=engine, workers=workers, listener=talk)
        else:
            if model is None or not files:
                raise UserError(
                    f"--out reads a corpus: give a model and files. Or, to go on with a run: "
                    f"mere extract --out {out} --resume"
                )
            settings = CorpusSettings.of(model, **options)
            summary = extract_corpus(settings, files, out, engine=engine, workers=workers, listener=talk)
        aside = f" Rows set aside, with reasons: {out / '_aside'}." if summary.set_aside else ""
        talk.say(f"{out}: {summary} in {summary.parts:,} files.{aside}")
        if unfit := told_unfit(summary.unfit):
            talk.say(unfit)
