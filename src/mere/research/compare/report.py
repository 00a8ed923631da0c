"""A comparison as a page, with the sentences that sum it up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mere.metrics.render import UNKNOWN, with_interval
from mere.research.compare.curves import Curves
from mere.research.report import charts, tables
from mere.research.report.page import Emphasis, Page
from mere.research.report.tables import SUMMARY, p_value, points
from mere.research.results import Comparison, Results

SIGNIFICANT = 0.05
SMOOTHING = 5
"""Records of the log over which the loss is averaged in its chart."""


def is_significant(comparison: Comparison) -> bool:
    """Whether the corrected p is at most 0.05."""
    return comparison.p_holm is not None and comparison.p_holm <= SIGNIFICANT


def headline(results: Results, metric: str) -> list[str]:
    """Return sentences: the regime with the highest score, and which differ from the baseline after correction."""
    macro = {name: system.metrics[metric]["macro"] for name, system in results.systems.items()}
    known = {name: score.value for name, score in macro.items() if score.value is not None}
    if not known:
        return []
    best = max(known, key=lambda name: known[name])
    sentences = [f"{best} has the highest mean over languages: {with_interval(macro[best])} % {metric}."]
    scored = {"macro", *(scope for system in results.systems.values() for scope in system.metrics[metric])}
    tests = [c for c in results.comparisons if c.metric == metric and c.scope in scored]
    for comparison in tests:
        if comparison.scope == "macro":
            of = [t for t in tests if (t.a, t.b) == (comparison.a, comparison.b) and t.scope != "macro"]
            sentences.append(_verdict(comparison, of))
    if max(len(system.seeds) for system in results.systems.values()) == 1:
        sentences.append("One seed: the intervals cover the choice of sentences, not that of the seed.")
    return sentences


def _verdict(macro: Comparison, single: Sequence[Comparison]) -> str:
    """Return a sentence on two regimes: their difference, and the languages in which it is significant."""
    verdict = "significant" if is_significant(macro) else "not significant"
    details = ""
    for word, sign in (("better", 1), ("worse", -1)):
        langs = [t.scope for t in single if is_significant(t) and sign * (t.difference or 0) > 0]
        if langs:
            every = len(langs) == len(single) > 2
            details += (
                f"; significantly {word} in {f'all {len(langs)} languages' if every else ', '.join(langs)}"
            )
    return (
        f"{macro.a} against {macro.b}: {points(macro.difference, macro.low, macro.high)} points, {verdict} "
        f"(p {p_value(macro.p_holm)} after Holm's correction){details}."
    )


def page_of(
    results: Results, curves: Mapping[str, Sequence[Curves]], metrics: Sequence[str], baseline: str
) -> Page:
    """Return the report; it carries the results file itself, for programs."""
    langs = _languages(results)
    page = Page(
        f"{results.experiment}: regimes compared",
        f"{results.data.name}, split {results.split}, {len(langs)} languages ({', '.join(langs)}), "
        f"seeds {', '.join(map(str, results.seeds))}. Budget: {results.budget}.",
        findings=headline(results, metrics[0]),
        data=results.model_dump_json(),
    )
    _regimes(page, results)
    for metric in metrics:
        _scores(page, results, metric, langs, baseline)
    _costs(page, results, metrics[0])
    _training(page, curves, metrics[0])
    if results.failed_attempts:
        page.section("Failed cells")
        attempts = tables.attempt_table(results)
        page.table(attempts.header, attempts.rows, name="failed", words=True)
    page.section("Provenance")
    page.list(_provenance(results))
    return page


def _regimes(page: Page, results: Results) -> None:
    rows = []
    for name, system in results.systems.items():
        epochs = system.costs.epochs_per_language if system.costs else {}
        text = ", ".join(f"{lang} {value:.3g}" for lang, value in epochs.items())
        if len({round(value, 2) for value in epochs.values()}) == 1:
            text = f"{next(iter(epochs.values())):.3g} in every language"
        rows.append((name, f"{system.description} {system.note}".rstrip(), text))
    page.section("The regimes")
    page.table(("regime", "what it is", "epochs per language, as logged"), rows, name="regimes", words=True)


def _scores(page: Page, results: Results, metric: str, langs: Sequence[str], baseline: str) -> None:
    """Add the section of a metric: two charts, the scores, and the tests against the baseline."""
    label = metric.replace("/", "-").replace("_", "-")
    scores = {name: system.metrics[metric] for name, system in results.systems.items()}
    page.section(metric)
    page.figure(
        "Mean over languages, with 95 % bootstrap intervals over sentences and seeds; the broken line is "
        f"{baseline}.",
        charts.interval_chart(
            {name: {"mean over languages": of["macro"]} for name, of in scores.items()},
            title=f"Macro {metric} of each regime",
            x_label=f"{metric}, mean over languages, %",
            reference=scores.get(baseline, {}).get("macro"),
        ),
        name=f"macro-{label}",
    )
    page.figure(
        "Each language, the one with most training sentences first; 95 % intervals.",
        charts.interval_chart(
            {lang: {name: of.get(lang) for name, of in scores.items()} for lang in langs},
            title=f"{metric} of each regime in each language",
            x_label=f"{metric}, %",
        ),
        name=f"languages-{label}",
    )
    scopes = [*langs, *SUMMARY]
    rows = [
        (name, *(with_interval(of[scope]) if scope in of else UNKNOWN for scope in scopes))
        for name, of in scores.items()
    ]
    caption = f"{metric}, %, 95 % intervals"
    page.table(("regime", *scopes), rows, caption=caption, name=f"scores-{label}")
    _tests(page, results, metric, [*langs, "macro"], baseline)


def _tests(page: Page, results: Results, metric: str, scopes: Sequence[str], baseline: str) -> None:
    tests = [c for c in results.comparisons if c.metric == metric and c.b == baseline and c.scope in scopes]
    found = {(c.a, c.scope): c for c in tests}
    if not found:
        page.note(f"No tests: {baseline} is not finished, or is the only regime.")
        return
    rows = [
        (name, *(_test(found.get((name, scope))) for scope in scopes))
        for name in results.systems
        if name != baseline
    ]
    sizes = " and ".join(f"{size}" for size in dict.fromkeys(c.family for c in tests))
    page.table(
        ("regime", *scopes),
        rows,
        caption=f"Points of {metric} above {baseline}, interval, and p after Holm's correction for {sizes} tests; "
        "bold where p is at most 0.05",
        name=f"tests-{metric.replace('/', '-').replace('_', '-')}",
    )


def _test(comparison: Comparison | None) -> str | Emphasis:
    if comparison is None:
        return UNKNOWN
    difference = points(comparison.difference, comparison.low, comparison.high)
    text = f"{difference}\np {p_value(comparison.p_holm)}"
    if not is_significant(comparison):
        return text
    return Emphasis(text, "better" if (comparison.difference or 0) > 0 else "worse")


def _costs(page: Page, results: Results, metric: str) -> None:
    minutes = {
        name: system.costs.train_seconds / 60
        for name, system in results.systems.items()
        if system.costs is not None and system.costs.train_seconds is not None
    }
    macro = {name: results.systems[name].metrics[metric]["macro"].value for name in minutes}
    page.section("Costs")
    page.figure(
        "What the training took, and the score that came of it.",
        charts.line_chart(
            {name: [[(minutes[name], 100 * value)]] for name, value in macro.items() if value is not None},
            title=f"Macro {metric} over minutes of training",
            x_label="training of one seed, all its models, minutes of one thread",
            y_label=f"{metric}, mean over languages, %",
        ),
        name="cost",
    )
    costs = tables.cost_table(results.systems)
    caption = "Mean over seeds of one run; shared stages are charged to every regime that starts from them"
    page.table(costs.header, costs.rows, caption=caption, name="costs")


def _training(page: Page, curves: Mapping[str, Sequence[Curves]], metric: str) -> None:
    steps = "optimiser steps, all models of a regime together"
    page.section("Training")
    page.figure(
        "F1 on dev while training; a line for each seed.",
        charts.line_chart(
            {name: [[(x, 100 * y) for x, y in one.dev] for one in of] for name, of in curves.items()},
            title=f"{metric} on dev over optimiser steps",
            x_label=steps,
            y_label=f"{metric} on dev, mean over languages, %",
        ),
        name="dev",
    )
    page.figure(
        "Loss while training; losses of regimes with different objectives cannot be compared.",
        charts.line_chart(
            {name: [_running_mean(one.loss) for one in of] for name, of in curves.items()},
            title="Training loss over optimiser steps",
            x_label=steps,
            y_label="training loss, all tasks, running mean",
            marks=False,
        ),
        name="loss",
    )


def _provenance(results: Results) -> Iterable[str]:
    machine, versions = results.hardware, results.software
    return [
        results.description,
        f"Command: {results.command}",
        f"{results.date}, mere {versions.mere} at {results.commit or 'an unknown commit'}, torch {versions.torch}, "
        f"Python {versions.python}; {machine.cpu}, {machine.cores} cores, {machine.memory_gb} GiB.",
        f"Corpus fingerprint {results.data.fingerprint[:16]}.",
    ]


def _languages(results: Results) -> list[str]:
    """Return the languages that were scored, those with most training sentences first."""
    train = results.data.sizes.get("train", {})
    scopes = {s for system in results.systems.values() for scores in system.metrics.values() for s in scores}
    return sorted(scopes - set(SUMMARY), key=lambda lang: (-train.get(lang, 0), lang))


def _running_mean(loss: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    means = []
    for place, (step, _) in enumerate(loss):
        last = [value for _, value in loss[max(0, place + 1 - SMOOTHING) : place + 1]]
        means.append((step, sum(last) / len(last)))
    return means
