"""What a plan and its codebook may say and probably do not mean: told before anybody runs it, and never refused."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from riskset_common.errors import did_you_mean
from riskset_common.study.codebook import BUILT_IN, Derived
from riskset_common.study.study import Study

_LONGEST_YEARS = 40
"""Years of follow-up that hardly any study has."""


def doubts(study: Study) -> Iterator[str]:
    """Say what is probably a slip: patients between two levels of a cut, times beyond any follow-up, two analyses with one title.

    Where the sites of the study are known, also levels of a derived variable that no site or study group has.
    """
    for name, derived in study.codebook.derived.items():
        yield from _gaps(name, derived)
        if study.sites:
            yield from _unknown_groups(study, name, derived)
    yield from _times(study)
    yield from _titles(study)


def _gaps(name: str, derived: Derived) -> Iterator[str]:
    bounds: Mapping[str, Sequence[float | datetime.date | None]] = (
        derived.cut or derived.period or {}
    )
    ordered = sorted(bounds.items(), key=lambda each: (each[1][0] is not None, each[1][0]))
    for (level, (_, high)), (following, (low, _)) in pairwise(ordered):
        if high != low:
            yield (
                f"codebook: derived.{name}: from {high} to {low}, between {level!r} and {following!r}, lies no level; patients there "
                "count as missing. The upper bound of a level is not part of it: write the lower bound of the next."
            )


def _unknown_groups(study: Study, name: str, derived: Derived) -> Iterator[str]:
    if derived.source not in BUILT_IN:
        return
    known = study.levels(derived.source)
    for level, members in (derived.groups or {}).items():
        for member in members:
            if member not in known:
                yield (
                    f"codebook: derived.{name}.groups.{level}: no site of the roster has the {derived.source} {member!r}. "
                    f"{did_you_mean(member, known)}"
                )


def _times(study: Study) -> Iterator[str]:
    time = study.plan.time
    for analysis in study.plan.analyses:
        written: object = getattr(analysis, "at", ())
        at = written if isinstance(written, tuple) else (written,)
        if list(at) != sorted(at):
            yield f"analysis {analysis.id}: at does not ascend. Write {sorted(at)}."
        for each in at:
            if float(time.days_in(time.unit)) * each > _LONGEST_YEARS * 366:
                yield (
                    f"analysis {analysis.id}: at: {each:g} {time.unit} is longer than any follow-up. Write it in the plan's unit."
                )


def _titles(study: Study) -> Iterator[str]:
    titled: dict[str, list[str]] = {}
    for analysis in study.plan.analyses:
        if analysis.title is not None:
            titled.setdefault(analysis.title, []).append(analysis.id)
    for title, named in titled.items():
        if len(named) > 1:
            yield f"analyses {', '.join(named)} have one title, {title!r}. Give each its own, or readers cannot tell them apart."
