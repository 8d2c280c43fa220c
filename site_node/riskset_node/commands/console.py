"""Tables and progress on a terminal, with colours, and with every text of theirs in its visible form."""

from __future__ import annotations

import sys

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from riskset_common.programs.screen import Guarded, visible


def visible_console(
    *, stderr: bool = False, quiet: bool = False, width: int | None = None
) -> Console:
    """A console of rich that writes past the guard of `screen`, and so may colour; its texts are shown as the guard shows them."""
    stream = sys.stderr if stderr else sys.stdout
    behind = stream.behind if isinstance(stream, Guarded) else stream
    made = Console(file=behind, stderr=stderr, quiet=quiet, width=width, highlight=False)
    made.push_render_hook(_Visibly())
    return made


class _Shown:
    """One renderable with its texts in their visible form."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._inner, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _Visibly(RenderHook):
    """Has rich show every renderable so."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap each."""
        return [_Shown(each) for each in renderables]
