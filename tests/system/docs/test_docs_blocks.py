"""Every block of README.md and docs/ does what the page says: files are read, commands run, refusals refuse."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from tests.system.docs.fragments import (
    check_fragment,
    codebook_of_the_pages,
    error_classes,
    full_text,
)
from tests.system.docs.pages import README, Page, Piece, page, pages, plain
from tests.system.docs.workspace import Workspace, agrees, console, shell

RUN_BY_HAND = {"r", "sas", "sql"}
"""Other programs, which a test cannot count on."""

OWN_REMARKS = {"file", "check", "refused", "edit", "try", "exit", "run", "study"}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Workspace(folder)


def prepare(workspace: Workspace, of: Page) -> None:
    """Give a page the files that it does not show itself."""
    if of == README:
        workspace.copy_lung_study()
        return
    if not any(piece.remarks.get("file") == "codebook.yaml" for piece in of.blocks):
        workspace.write("codebook.yaml", full_text(page("codebook.md"), "codebook.yaml"))


def run_page(workspace: Workspace, of: Page) -> None:
    """Go through a page from top to bottom."""
    changes: dict[str, str] = {}
    blocks = list(of.blocks)
    for index, piece in enumerate(blocks):
        where = f"{of.name}, line {piece.line}"
        if "run" in piece.remarks:
            continue  # on the folder of another page
        if "try" in piece.remarks:
            changes[piece.remarks["try"]] = piece.text
        elif piece.language == "console":
            with workspace.trying(changes) if changes else nullcontext():
                run_console(workspace, piece, where)
            changes = {}
        elif piece.language == "sh":
            run_shell(workspace, piece, where)
        else:
            follow = blocks[index + 1].text if index + 1 < len(blocks) else ""
            do_piece(workspace, piece, where, follow)


def run_shell(workspace: Workspace, piece: Piece, where: str) -> None:
    """Run the commands of a block without output, all of which succeed."""
    for line in shell(piece):
        answer = workspace.run(line)

        assert answer.code == 0, f"{where}: {line}\n{answer.text}"


def run_console(workspace: Workspace, piece: Piece, where: str) -> None:
    """Run the commands of a block, all with the exit code that the remark names, and compare what they write."""
    for line, shown in console(piece):
        answer = workspace.run(line)

        assert int(piece.remarks.get("exit", "0")) == answer.code, f"{where}: {line}\n{answer.text}"
        assert agrees(shown, answer.text) or not shown.strip(), (
            f"{where}: {line}\nshown:\n{shown}\nfound:\n{answer.text}"
        )


def do_piece(workspace: Workspace, piece: Piece, where: str, follow: str) -> None:
    """Write, edit or check what a block holds."""
    remarks = piece.remarks
    if "file" in remarks:
        workspace.write(remarks["file"], piece.text)
    elif "edit" in remarks:
        workspace.edit(remarks["edit"], piece.text)
    elif "check" in remarks:
        check_fragment(remarks["check"], piece.text, workspace.folder.parent)
    elif "refused" in remarks:
        with pytest.raises(error_classes()) as refused:
            check_fragment(remarks["refused"], piece.text, workspace.folder.parent)

        assert agrees(follow, str(refused.value)), f"{where}\n{refused.value}"
    elif piece.language == "python":
        raise AssertionError(f"{where}: say on which page's files this runs")
    else:
        assert piece.language in RUN_BY_HAND | {"text"}, f"{where}: nobody checks this block"


@pytest.mark.parametrize("of", pages(), ids=lambda of: of.name)
def test_every_block_of_a_page_does_what_the_page_says(of, workspace):
    prepare(workspace, of)
    run_page(workspace, of)

    assert all(set(piece.remarks) <= OWN_REMARKS for piece in of.blocks)


def test_what_the_pages_do_with_the_folder_of_the_first_study_runs_there(workspace):
    run_page(workspace, page("first-study.md"))
    programs = [
        (of.name, piece)
        for of in pages()
        for piece in of.blocks
        if piece.remarks.get("run") == "first-study.md"
    ]
    for name, piece in programs:
        if piece.language == "python":
            workspace.run_python(piece.text)
        else:
            run_shell(workspace, piece, f"{name}, line {piece.line}")

    assert {"python", "sh"} == {piece.language for _, piece in programs}


def test_every_yaml_block_says_what_it_is():
    unsaid = [
        f"{of.name}, line {piece.line}"
        for of in pages()
        for piece in of.blocks
        if piece.language == "yaml" and not {"file", "check", "refused"} & set(piece.remarks)
    ]

    assert [] == unsaid


def test_the_results_that_the_first_study_tells_of_are_those_of_its_run(workspace):
    of = page("first-study.md")
    run_page(workspace, of)
    table = (workspace.folder / "out" / "tables" / "Table_3.csv").read_text(encoding="utf-8")

    assert "0.18 (95% CI, 0.055 to 0.56)" in plain(of.text)
    assert "New,0.18,0.055 to 0.56," in table


def test_the_node_of_the_pages_maps_every_variable_of_their_codebook():
    check_fragment("node", "{}", None)

    assert len(codebook_of_the_pages().variables) > 10


def test_the_commands_of_the_readme_run_a_study(workspace):
    prepare(workspace, README)
    run_page(workspace, README)

    assert (workspace.folder / "out" / "report.html").exists()
