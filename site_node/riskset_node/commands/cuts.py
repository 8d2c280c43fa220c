"""The commands `riskset-node data cut` and `riskset-node data diff`: keep the records as they are now, and compare two states of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.programs.command_line import errors_as_text
from riskset_node.commands.codebooks import CodebookFile, codebook_for

if TYPE_CHECKING:
    from rich.console import Console

    from riskset_common.study.codebook import Codebook
    from riskset_node.cuts.differences import Differences, Some
    from riskset_node.cuts.making import MadeCut
    from riskset_node.records.site_records import SiteRecords

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def join(app: typer.Typer) -> None:
    """Add these commands to those of the site's own records."""
    app.command("cut")(cut)
    app.command("diff")(diff)


@errors_as_text
def cut(
    node: Annotated[
        Path, typer.Argument(metavar="NODE", help="node.yaml", dir_okay=False, exists=True)
    ],
    name: Annotated[
        str, typer.Option("--name", help="What the cut is called, such as 2017-12-31.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the cut; cuts beside node.yaml when not given."),
    ] = None,
    codebook: CodebookFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep the records as they are now in a file, which then serves every plan with this codebook. Nothing is sent.

    The records are checked first. Ends with 1, and writes nothing, where they cannot be used as they are.
    """
    from riskset_node.commands.listings import findings_json, print_json, show_findings, terminal
    from riskset_node.config import read_node
    from riskset_node.cuts.making import check_can_be_cut, write_cut
    from riskset_node.records.findings import Severity
    from riskset_node.records.reading import read_records

    config, words = read_node(node), codebook_for(codebook, node.parent)
    path = check_can_be_cut(config, name, out or node.parent / "cuts")
    now = _now()
    records = read_records(config, words, now.astimezone().date())
    is_usable = all(found.severity is not Severity.ERROR for found in records.findings)
    made = write_cut(path, records, config, words, now) if is_usable else None
    if as_json:
        file = None if made is None else {"path": str(made.path), "sha256": made.sha256}
        print_json({**findings_json(config.site, records, records.findings), "cut": file})
    else:
        show_findings(terminal(), config.site, records, records.findings)
        _say(terminal(), made, node.parent)
    if made is None:
        raise typer.Exit(1)


def _say(screen: Console, made: MadeCut | None, home: Path) -> None:
    from rich.text import Text

    from riskset_common.programs.screen import one_line

    for line in _said(made, home):
        screen.print(Text(one_line(line)), soft_wrap=True)


def _said(made: MadeCut | None, home: Path) -> Iterator[str]:
    if made is None:
        yield "No cut was made. Mend the records, or write under data.accept what may stay as it is."
        return
    import yaml

    whole = made.path.resolve()
    path = whole.relative_to(home.resolve()) if whole.is_relative_to(home.resolve()) else whole
    data = {"source": {"kind": "cut", "path": str(path)}, "patient": made.patient}
    yield f"written  {made.path}"
    yield f"SHA-256  {made.sha256}"
    yield "To use it, write under data in node.yaml, in the place of what is there:"
    for line in yaml.safe_dump(
        data, default_flow_style=None, sort_keys=False, allow_unicode=True, width=10_000
    ).splitlines():
        yield f"  {line}"


@errors_as_text
def diff(
    before: Annotated[
        Path,
        typer.Argument(metavar="BEFORE", help="A cut, or node.yaml.", dir_okay=False, exists=True),
    ],
    after: Annotated[
        Path,
        typer.Argument(metavar="AFTER", help="A cut, or node.yaml.", dir_okay=False, exists=True),
    ],
    codebook: CodebookFile = None,
    as_json: AsJson = False,
) -> None:
    """Show which patients are new, gone and changed between two states of the records. For this machine only; nothing is sent."""
    from riskset_common.errors import NodeConfigError
    from riskset_node.commands.listings import print_json, terminal
    from riskset_node.cuts.differences import differences

    words = codebook_for(codebook, before.parent, after.parent)
    (site, old), (other, new) = _state(before, words), _state(after, words)
    if site != other:
        raise NodeConfigError(
            f"{before} is of site {site!r}, and {after} of site {other!r}, whose ids name other patients. Give two states of one site."
        )
    found = differences(old, new, words)
    if as_json:
        print_json({"site": site, **asdict(found)})
    else:
        _show(terminal(), found)


def _state(file: Path, codebook: Codebook) -> tuple[str, SiteRecords]:
    """Site and records of a cut, or as a node.yaml reads them now."""
    from riskset_node.config import read_node
    from riskset_node.records.findings import check_usable
    from riskset_node.records.reading import read_records
    from riskset_node.records.site_records import records_in
    from riskset_node.sources.cut_file import is_cut, read_cut

    if is_cut(file):
        read = read_cut(file, "the path")
        return read.header.site, records_in(read, codebook, str(file))
    config = read_node(file)
    records = read_records(config, codebook, _now().astimezone().date())
    check_usable(records.findings, config.site)
    return config.site, records


def _show(screen: Console, found: Differences) -> None:
    """Print who is new, gone and changed, and one row a variable with the values before and after."""
    from rich.table import Table
    from rich.text import Text

    from riskset_common.programs.screen import one_line

    for what, some in (("new", found.new), ("gone", found.gone), ("changed", found.changed)):
        screen.print(Text(one_line(f"{what:<8} {_listed(some)}")))
    if any(found.without_id):
        screen.print(
            f"not compared, because they have no id: {found.without_id[0]:,} before, {found.without_id[1]:,} after"
        )
    if found.variables:
        table = Table("variable", "patients", "patient", "before", "after")
        for variable in found.variables:
            first = [one_line(f"{variable.label} ({variable.name})"), f"{variable.patients:,}"]
            for value in variable.values:
                cells = [*first, *map(one_line, (value.local_id, value.before, value.after))]
                table.add_row(*map(Text, cells))
                first = ["", ""]
            more = variable.patients - len(variable.values)
            if more:
                table.add_row("", "", f"and {more:,} more", "", "")
        screen.print(table)
    screen.print(
        f"{found.patients[0]:,} patients before, {found.patients[1]:,} after. For this site only; nothing of it is ever sent."
    )


def _listed(some: Some) -> str:
    more = some.count - len(some.local_ids)
    ids = ", ".join(some.local_ids) + (f" and {more:,} more" if more else "")
    return f"{some.count:,}: {ids}" if ids else "0"


def _now() -> datetime:
    return datetime.now(UTC)
