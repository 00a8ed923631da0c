"""A comparison as one HTML page that needs nothing else: no network, no script, readable on dark and light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from mere.metrics.render import UNKNOWN, with_interval
from mere.research.compare import figures
from mere.research.compare.curves import Curves
from mere.research.compare.text import headline, is_significant
from mere.research.markdown import SUMMARY, p_value, points
from mere.research.results import Comparison, Costs, Results

Cells = Sequence[str]


def write_page(
    path: Path,
    results: Results,
    curves: Mapping[str, Sequence[Curves]],
    metrics: Sequence[str],
    baseline: str,
) -> None:
    """Write the page; its last element holds the results file itself, for machines."""
    langs = _languages(results)
    main = metrics[0]
    key = figures.key(list(results.systems))
    body = [
        f"<h1>{escape(results.experiment)}: regimes compared</h1>",
        _paragraph(
            f"{results.data.name}, split {results.split}, {len(langs)} languages ({', '.join(langs)}), "
            f"seeds {', '.join(map(str, results.seeds))}. Budget: {results.budget}."
        ),
        _list(headline(results, main)),
        "<h2>The regimes</h2>",
        _regimes(results),
    ]
    for metric in metrics:
        body += [
            f"<h2>{escape(metric)}</h2>",
            _figure(
                f"macro-{_id(metric)}",
                figures.macro_plot(results, metric, baseline),
                f"Mean over languages, with 95 % bootstrap intervals over sentences and seeds; the broken line is "
                f"{baseline}.",
            ),
            _figure(
                f"languages-{_id(metric)}",
                key + figures.language_plot(results, metric, langs),
                "Each language, the one with most training sentences first; 95 % intervals.",
            ),
            _scores(results, metric, langs),
            _tests(results, metric, langs, baseline),
        ]
    body += [
        "<h2>Costs</h2>",
        _figure(
            "cost", key + figures.cost_plot(results, main), "What the training took, and what came of it."
        ),
        _costs(results),
        "<h2>Training</h2>",
        _figure(
            "dev", key + figures.dev_plot(curves, main), "F1 on dev while training; a line for each seed."
        ),
        _figure(
            "loss",
            key + figures.loss_plot(curves),
            "Loss while training; losses of unlike models are unlike.",
        ),
    ]
    if results.failed_attempts:
        rows = [(a.what, a.outcome, f"<pre>{escape(a.note)}</pre>") for a in results.failed_attempts]
        body += [
            "<h2>Failed cells</h2>",
            _table("failed", ("cell", "end", "last lines"), rows, raw_last=True),
        ]
    body += ["<h2>Where this comes from</h2>", _list(_provenance(results))]
    data = results.model_dump_json().replace("<", "\\u003c")
    html = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(results.experiment)}: regimes compared</title><style>{_style()}</style></head>\n"
        "<body><main>\n"
        + "\n".join(body)
        + f'\n</main>\n<script type="application/json" id="results">{data}</script>\n</body></html>\n'
    )
    path.write_text(html, encoding="utf-8")


def _regimes(results: Results) -> str:
    rows = []
    for name, system in results.systems.items():
        epochs = system.costs.epochs_per_language if system.costs else {}
        shown = ", ".join(f"{lang} {value:.3g}" for lang, value in epochs.items())
        if len({round(value, 2) for value in epochs.values()}) == 1:
            shown = f"{next(iter(epochs.values())):.3g} in every language"
        what = f"{system.description} {system.note}".rstrip()
        rows.append((name, what, shown))
    return _table("regimes", ("regime", "what it is", "epochs per language, as logged"), rows, text=True)


def _scores(results: Results, metric: str, langs: Sequence[str]) -> str:
    scopes = [*langs, *SUMMARY]
    rows = []
    for name, system in results.systems.items():
        scores = system.metrics[metric]
        rows.append(
            (name, *(with_interval(scores[scope]) if scope in scores else UNKNOWN for scope in scopes))
        )
    return _table(f"scores-{_id(metric)}", ("regime", *scopes), rows, caption=f"{metric}, %, 95 % intervals")


def _tests(results: Results, metric: str, langs: Sequence[str], baseline: str) -> str:
    scopes = [*langs, "macro"]
    tests = [c for c in results.comparisons if c.metric == metric and c.b == baseline and c.scope in scopes]
    found = {(c.a, c.scope): c for c in tests}
    if not found:
        return _paragraph(f"No tests: {baseline} is not finished, or is alone.")
    rows = [
        (name, *(_test(found.get((name, scope))) for scope in scopes))
        for name in results.systems
        if name != baseline
    ]
    sizes = " and ".join(f"{c.family}" for c in {c.family: c for c in found.values()}.values())
    caption = (
        f"Points of {metric} above {baseline}, interval, and p after Holm's correction for {sizes} tests; "
        "bold where p is at most 0.05"
    )
    return _table(f"tests-{_id(metric)}", ("regime", *scopes), rows, caption=caption, raw=True)


def _test(comparison: Comparison | None) -> str:
    if comparison is None:
        return UNKNOWN
    words = points(comparison.difference, comparison.low, comparison.high)
    words = f"{words}<br>p {escape(p_value(comparison.p_holm))}"
    if not is_significant(comparison):
        return words
    return f'<strong class="{"better" if (comparison.difference or 0) > 0 else "worse"}">{words}</strong>'


def _costs(results: Results) -> str:
    header = (
        "regime",
        "training, min",
        "steps",
        "trained numbers, stage by stage",
        "stored, MB",
        "of that each language's own, MB",
        "peak memory, MB",
    )
    rows = [(name, *_cost_cells(system.costs or Costs())) for name, system in results.systems.items()]
    caption = "Mean over seeds of one run; shared stages are charged to every regime that starts from them"
    return _table("costs", header, rows, caption=caption)


def _cost_cells(costs: Costs) -> Cells:
    own = list(costs.bytes_per_language.values())
    return (
        _number(costs.train_seconds, 60),
        _number(costs.steps, 1, 0),
        ", then ".join(f"{number:,}" for number in costs.parameters_by_stage.values()) or UNKNOWN,
        _number(costs.bytes_stored, 1e6),
        _number(sum(own) / len(own), 1e6, 2) if own else "none",
        _number(costs.peak_memory_mb, 1, 0),
    )


def _provenance(results: Results) -> list[str]:
    machine, versions = results.hardware, results.software
    return [
        results.description,
        f"Command: {results.command}",
        f"{results.date}, mere {versions.mere} at {results.commit or 'an unknown commit'}, torch {versions.torch}, "
        f"Python {versions.python}; {machine.cpu}, {machine.cores} cores, {machine.memory_gb} GiB.",
        f"Corpus fingerprint {results.data.fingerprint[:16]}.",
    ]


def _languages(results: Results) -> list[str]:
    """The languages that were scored, those with most training sentences first."""
    train = results.data.sizes.get("train", {})
    scopes = {s for system in results.systems.values() for scores in system.metrics.values() for s in scores}
    return sorted(scopes - set(SUMMARY), key=lambda lang: (-train.get(lang, 0), lang))


def _figure(name: str, drawing: str, caption: str) -> str:
    return f'<figure id="{name}">{drawing}<figcaption>{escape(caption)}</figcaption></figure>'


def _table(
    name: str,
    header: Cells,
    rows: Iterable[Cells],
    *,
    caption: str = "",
    text: bool = False,
    raw: bool = False,
    raw_last: bool = False,
) -> str:
    """Write a table; `text`: columns of words; `raw`: cells are HTML already (`raw_last`: the last ones)."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    lines = []
    for first, *rest in rows:
        cells = [
            cell if raw or (raw_last and i == len(rest) - 1) else escape(cell) for i, cell in enumerate(rest)
        ]
        lines.append(
            f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
        )
    css = ' class="words"' if text or raw_last else ""
    shown = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table id="{name}"{css}>{shown}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _paragraph(words: str) -> str:
    return f"<p>{escape(words)}</p>"


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(words)}</li>" for words in sentences) + "</ul>"


def _number(value: float | None, size: float, decimals: int = 1) -> str:
    return UNKNOWN if value is None else f"{value / size:,.{decimals}f}"


def _id(metric: str) -> str:
    return metric.replace("/", "-").replace("_", "-")


def _style() -> str:
    return files("mere.research.compare").joinpath("page.css").read_text(encoding="utf-8")
