"""The HTML of tables and of the report, as Jinja templates that escape whatever they are given, and show what could stand in no page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from riskset_common.programs.screen import visible

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def _shown(value: object) -> object:
    """A text as `visible` shows it; HTML that a template was given is left as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("riskset_server.displays", "templates")
    return Environment(
        loader=loader,
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template(name: str) -> Template:
    """A template of this folder."""
    return _environment().get_template(name)
