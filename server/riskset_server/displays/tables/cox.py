"""The table of a Cox model: hazard ratio, confidence interval and P value of every term, its reference level shown as 1."""

from __future__ import annotations

from riskset_server.displays.parts.cells import CI
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.effects import effects, model_notes, ratio_name
from riskset_server.displays.parts.table import Row, Table

DF = ("df", "degrees of freedom")


def make(shown: Shown) -> Table:
    """One row a level; several models stand below each other."""
    return Table(
        title=shown.title,
        heads=("Variable", ratio_name(shown)[0], f"{shown.confidence} CI".strip(), "P"),
        rows=tuple(
            Row(effect.label, (effect.hazard_ratio, effect.interval, effect.p), effect.indent)
            for effect in effects(shown)
        ),
        notes=model_notes(shown),
        abbreviations=tuple(sorted((CI, DF, ratio_name(shown)))),
    )
