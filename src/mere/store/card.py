"""A model's card: the README.md in its folder, made from what the run knows.

Its front matter is what the Hugging Face Hub reads (https://github.com/huggingface/hub-docs/blob/main/modelcard.md):
languages, licence, task, and scores per language as a model-index.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import yaml

import mere
from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.schema import Labels

METRICS = {"entities": "entity_f1/strict", "triples": "triple_f1/strict"}
_TASK_NAMES = {"entities": "Named entity recognition", "triples": "Relation extraction"}
_HERE = "this folder"
_MANY = "multilingual"
_LICENCES = """
apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0
cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
cdla-permissive-2.0 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 lgpl-lr isc mpl-2.0 odc-by odbl pddl
unlicense etalab-2.0 eupl-1.1
"""
"""Licences of data and software that the hub knows by these names; any other is "other" there."""


def card(recipe: Recipe, labels: Labels, corpus: Corpus, metrics: Mapping[str, Any]) -> str:
    """Return the card in Markdown: what the model does and is not for, its data, scores per language, its making.

    Args:
        corpus: all that the recipe read. metrics: what metrics.json holds.
    """
    dev: Mapping[str, Mapping[str, float]] = metrics.get("dev", {})
    names, licences = data_names(recipe), corpus.licences()
    front = front_matter(recipe, labels, licences)
    for lang in labels.languages:
        add_result(front, recipe, lang, {name: by[lang] for name, by in dev.items() if lang in by})
    fingerprint, sizes = corpus.fingerprint(), corpus.sizes()
    lines = [
        *_purpose(recipe, labels),
        "## Data",
        "",
        f"- {', '.join(names)}; fingerprint `{fingerprint[:16]}` (SHA-256 of what the corpus says).",
        *_read(recipe),
        f"- Splits: {'; '.join(f'{split} {sum(by.values())} sentences' for split, by in sizes.items())}.",
        "- Licence of the data: "
        + (", ".join(licences) if licences else "unknown; the corpus does not tell it")
        + ". A model may have to keep to the licence of its data.",
        "",
        "## Scores",
        "",
        *_table(recipe, labels, sizes, dev),
        "",
        "In percent, strict. Dev scores chose the thresholds and the best weights; measure on a test split with "
        "`mere evaluate`.",
        "",
        *_making(recipe, metrics),
    ]
    return with_front_matter(front, "\n".join(lines))


def front_matter(recipe: Recipe, labels: Labels, licences: Sequence[str]) -> dict[str, Any]:
    """Return what the hub reads of a model, without scores."""
    names = [licence.lower().replace(" ", "-") for licence in licences]
    known = names[0] if len(names) == 1 and names[0] in _LICENCES.split() else "other" if names else "unknown"
    tasks = [_TASK_NAMES[task].lower().replace(" ", "-") for task in recipe.task]
    return {
        "language": hub_languages(labels.languages),
        "license": known,
        **({"license_name": "-and-".join(names)} if known == "other" else {}),
        "library_name": "mere",
        "pipeline_tag": "token-classification",
        "tags": ["mere", "information-extraction", *tasks, *([_MANY] if len(labels.languages) > 1 else [])],
    }


def card_of_another(
    text: str,
    recipe: Recipe,
    before: Labels,
    after: Labels,
    *,
    heading: str,
    said: str,
    unmeasured: Collection[str] = (),
) -> str:
    """Return a model's card as that of another model made of it, which knows other languages.

    Args:
        text: the card; a person may have edited it. recipe, before: of the model. after: of the other.
        heading, said: a section that says how the other was made; `said` is added to it where it is there already.
        unmeasured: languages whose scores do not hold for the other; "macro" may be among them.
    """
    front, body = split_front_matter(text)
    front = front or front_matter(recipe, after, ())
    tags = [tag for tag in front.get("tags", []) if tag != _MANY]
    front["tags"] = [*tags, _MANY] if len(after.languages) > 1 else tags
    front["language"] = hub_languages(after.languages)
    for index in front.get("model-index", []):
        index["results"] = [
            r for r in index["results"] if r.get("dataset", {}).get("config") not in unmeasured
        ]
    rows = tuple(f"| {name} |" for name in unmeasured)
    body = "\n".join(line for line in body.split("\n") if not line.startswith(rows))
    count = rf"\d+ languages? \({re.escape(', '.join(before.languages))}\)"
    body = loaded_as(re.sub(count, lambda _: _counted(after), body))
    return with_front_matter(front, _with_section(body, f"## {heading}\n", said))


def hub_languages(languages: Sequence[str]) -> list[str]:
    """Return language codes as the hub takes them, two or three letters each: "zh" for "zh-Hant"."""
    primary = (re.split("[-_]", lang.lower())[0] for lang in languages)
    return list(dict.fromkeys(code for code in primary if re.fullmatch("[a-z]{2,3}", code)))


def add_result(
    front: dict[str, Any], recipe: Recipe, lang: str, scores: Mapping[str, float], data: str = ""
) -> None:
    """Put a language's dev scores, in percent by metric, into the front matter; `data`, if not the recipe's."""
    if not scores:
        return
    data = data or " + ".join(data_names(recipe))
    index = front.setdefault("model-index", [{"name": recipe.name, "results": []}])
    index[0]["results"].append(
        {
            "task": {
                "type": "token-classification",
                "name": " and ".join(_TASK_NAMES[task] for task in recipe.task if METRICS[task] in scores),
            },
            "dataset": {
                "name": f"{data} ({lang})",
                "type": re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-") or "corpus",
                "config": lang,
                "split": recipe.data.dev_split,
            },
            "metrics": [
                {"type": "f1", "name": name, "value": round(float(value), 2)}
                for name, value in scores.items()
            ],
        }
    )


def data_names(recipe: Recipe) -> list[str]:
    """Return the names of a recipe's corpora, without the folders that they lie in."""
    return [PurePath(path).name if path else "mere quick-start corpus" for path in recipe.data.paths]


def _read(recipe: Recipe) -> list[str]:
    """Say what text the encoder has read besides, if any: its licence may count too."""
    names = [PurePath(path).name for path in recipe.data.texts]
    return [f"- Text read without its annotation: {', '.join(names)}; see its licence, too."] if names else []


def with_front_matter(front: Mapping[str, Any], body: str) -> str:
    """Return a card whose front matter is `front`."""
    return f"---\n{yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True)}---\n\n{body}"


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Return a card's front matter and the rest; a card without one, or with a broken one, is all rest."""
    match = re.match(r"---\r?\n(.*?\n)---\r?\n+", text, re.S)
    try:
        front = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        front = None
    return (front, text[match.end() :]) if match and isinstance(front, dict) else ({}, text)


def loaded_as(text: str, name: str = _HERE) -> str:
    """Return a card whose example loads the model by `name`; without one, from its folder."""
    return re.sub(r'mere\.load\("[^"\n]*"\)', f'mere.load("{name}")', text, count=1)


def with_part(text: str, heading: str, said: str) -> str:
    """Return a card with a section in place of the one of that heading, or at its end.

    Args:
        said: the whole section, with its heading.
    """
    above, found, rest = text.partition(f"\n{heading}\n")
    below = rest[rest.find("\n## ") :] if found and "\n## " in rest else "\n"
    return f"{above.rstrip()}\n\n{said.strip()}\n{below}".rstrip() + "\n"


def _with_section(body: str, heading: str, said: str) -> str:
    """Return a text with a paragraph at the end of a section, which comes last where there was none."""
    above, _, rest = body.partition(heading)
    own, following, below = rest.partition("\n## ")
    above, own = above.rstrip("\n"), own.rstrip("\n")
    return f"{above}\n\n{heading}{own}\n{said}\n{following}{below}"


def _counted(labels: Labels) -> str:
    number = len(labels.languages)
    return f"{number} language{'s' if number > 1 else ''} ({', '.join(labels.languages)})"


def _purpose(recipe: Recipe, labels: Labels) -> list[str]:
    extracts = {
        "entities": f"entities of {len(labels.types)} types",
        "triples": f"relational triples: {len(labels.relations)} relations",
    }
    return [
        f"# {recipe.name}",
        "",
        f"A `mere` model that extracts {' and '.join(extracts[task] for task in recipe.task)}, "
        f"{_counted(labels)}.",
        "",
        "```python",
        "import mere",
        "",
        f'document = mere.load("{_HERE}")("Your text.")',
        "```",
        "",
        *([f"- Entity types: {', '.join(labels.types)}."] if labels.types else []),
        *([f"- Relations: {', '.join(labels.relations)}."] if labels.relations else []),
        "",
        "## Intended use and limits",
        "",
        "- For text like that of the data below, read sentence by sentence, in the languages of the table. Other "
        "languages take the universal path: measure it before you rely on it.",
        "- It finds the types and relations above and no others, and no fact that is spread over sentences.",
        "- It reports what a text says, which need not be true; scores are confidences. Names and facts that the "
        "data lacks or is one-sided about are found less often. Let a person check what decides about people.",
        "",
    ]


def _table(
    recipe: Recipe,
    labels: Labels,
    sizes: Mapping[str, Mapping[str, int]],
    dev: Mapping[str, Mapping[str, float]],
) -> list[str]:
    metrics = [METRICS[task] for task in recipe.task]
    lines = [
        "| language | training sentences | dev sentences | "
        + " | ".join(f"dev `{m}`" for m in metrics)
        + " |",
        "| --- | ---: | ---: |" + " ---: |" * len(metrics),
    ]
    counts = [sizes.get(split, {}) for split in (recipe.data.train_split, recipe.data.dev_split)]
    for row in (*labels.languages, *(["macro"] if dev else [])):
        numbers = [sum(by.values()) if row == "macro" else by.get(row, 0) for by in counts]
        found = [dev.get(name, {}).get(row) for name in metrics]
        scores = ["not measured" if value is None else f"{value:.1f}" for value in found]
        lines.append(f"| {row} | " + " | ".join([*map(str, numbers), *scores]) + " |")
    return lines


def _making(recipe: Recipe, metrics: Mapping[str, Any]) -> list[str]:
    stages = ", then ".join(
        f"{stage.name} ({stage.length} of {'+'.join(stage.train)}"
        + (", from text alone)" if stage.learns_from_text else ")")
        for stage in recipe.stages
    )
    parameters = metrics.get("costs", {}).get("parameters")
    size = f"; {parameters:,} parameters" if parameters else ""
    return [
        "## Making",
        "",
        f"In stages: {stages}; seed {recipe.seed}{size}; mere {mere.__version__}. With the recipe below as "
        "recipe.yaml, and `data.path` where the corpus lies:",
        "",
        "```console",
        "$ mere train recipe.yaml --out runs/again",
        "```",
        "",
        "<details><summary>recipe.yaml</summary>",
        "",
        "```yaml",
        *recipe.to_yaml().splitlines(),
        "```",
        "",
        "</details>",
        "",
    ]
