"""`mere graph DOCUMENTS`: what `mere extract` found as a graph, for triple stores, graph databases and eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mere.cli.guard import talk
from mere.errors import UserError, nearest
from mere.graph.settings import DEFAULT_BASE, ENDINGS, GraphFormat, GraphSettings, Merge, Rdf

if TYPE_CHECKING:
    from mere.graph.write import Written


def graph(
    documents: Annotated[
        list[str],
        typer.Argument(help='Files of JSON lines that mere extract wrote, .gz too; "-": standard input.'),
    ],
    format: Annotated[
        GraphFormat | None, typer.Option("--format", help="What to write; default: by the ending of OUT.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write, or the folder, of neo4j; default: standard output."),
    ] = None,
    merge: Annotated[
        Merge,
        typer.Option(
            "--merge",
            help="Which mentions of a type are one node: those whose forms are alike but for case, width and "
            "spaces, those of the very same form, or none. A linked id goes before.",
        ),
    ] = Merge.normalised,
    rdf: Annotated[
        Rdf | None,
        typer.Option(
            "--rdf",
            help="Provenance by triple terms (1.2), or by named graphs and reified statements (1.1); "
            "default: the newest that the format has.",
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="What IRIs begin with, such as https://example.org/kg/")
    ] = DEFAULT_BASE,
    model: Annotated[
        str | None, typer.Option("--model", help="The model that found the triples, for provenance.")
    ] = None,
) -> None:
    """Write documents as a graph: RDF, GraphML, Neo4j's import files, Cypher, CSV or a web page."""
    from mere.graph.read import read_documents
    from mere.graph.write import write

    settings = GraphSettings(merge=merge, rdf=rdf, base=base, model=model)
    wanted = format or _by_ending(out)
    tell(write(read_documents(documents), wanted, out, settings))
    if out is not None:
        typer.echo(out)
    if wanted is GraphFormat.neo4j:
        from mere.graph.property.neo4j import IMPORT

        talk(f"Load it with the database stopped: cd {out} && {IMPORT}")


def _by_ending(out: Path | None) -> GraphFormat:
    known = ", ".join(format.value for format in GraphFormat)
    if out is None:
        raise UserError(f"no format was given. Pass --format with one of: {known}")
    if out.suffix not in ENDINGS:
        hint = nearest(out.suffix, ENDINGS)
        raise UserError(f'{out}: no format ends in "{out.suffix}".{hint} Pass --format with one of: {known}')
    return ENDINGS[out.suffix]


def tell(written: Written) -> None:
    """Say what was written, and what had to be changed."""
    talk(
        f"Written: {written.triples:,} triples and {written.entities:,} entities of "
        f"{written.documents:,} documents."
    )
    for kind, count in written.changed.items():
        talk(f"Changed: {kind}: {count:,}.")
