"""A draft as the text of a node.yaml, with a comment beside what was proposed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from riskset_common.programs.screen import one_line
from riskset_node.drafting.settings import Proposal, VariableDraft

_PLAIN = re.compile(r"[^\W\d_](?:[\w.-]|[ /](?=\w))*")
"""Words that need no quotes in YAML; the words below do all the same."""
_NOT_PLAIN = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n", "nan", "inf"})
_COMMENTS_FROM = 36


def scalar(value: str | int) -> str:
    """A text or a number as strict YAML reads it back."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(mark: str) -> str:
    if mark in '"\\':
        return f"\\{mark}"
    if mark == "\t":
        return "\\t"
    if mark.isprintable():
        return mark
    return f"\\u{ord(mark):04x}" if ord(mark) < 0x10000 else f"\\U{ord(mark):08x}"


def data_section(
    source: Mapping[str, Proposal],
    patient: Proposal,
    variables: Mapping[str, VariableDraft],
    not_used: Sequence[str],
) -> str:
    """The section `data`, with what was not used as a comment."""
    lines = ["data:", "  source:"]
    lines += [_line(4, key, each) for key, each in source.items()]
    lines += [_line(2, "patient", patient), "  columns:"]
    for name, draft in variables.items():
        lines += _variable(name, draft)
    if not_used:
        lines.append(f"  # Columns that are not used: {', '.join(map(one_line, not_used))}")
    return "\n".join(lines) + "\n"


def _variable(name: str, draft: VariableDraft) -> Iterator[str]:
    if not draft.keys and not draft.codes and not draft.note:
        yield _line(4, name, draft.column)
        return
    yield f"    {name}:"
    yield _line(6, "from", draft.column)
    for key, each in draft.keys.items():
        yield _line(6, key, each)
    if draft.codes:
        yield "      codes:"
        for code, level in draft.codes.items():
            yield _line(8, scalar(code), level)
    if draft.note:
        yield f"      # {one_line(draft.note)}"


def _line(indent: int, key: str, each: Proposal) -> str:
    written = f"{' ' * indent}{key}: {scalar(each.value)}"
    return f"{written:<{_COMMENTS_FROM}} # {one_line(each.why)}" if each.why else written
