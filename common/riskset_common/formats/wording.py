"""What was expected in a YAML file and what stands there, in the words of the file: every problem of a kind that the models can have."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence

from riskset_common.errors import did_you_mean
from riskset_common.formats.as_written import text_as_written
from riskset_common.formats.problems import Problem

_LONGEST_SHOWN = 80

_TEXT, _LIST, _LINES = "a text", "a list", "'key: value' lines"
_NUMBER, _WHOLE, _TRUTH, _DAY = "a number", "a whole number", "true or false", "a date"
_DIGITS = "a text of digits 0 to 9 and a to f"

_EXPECTED = {
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _LINES,
    "mapping_type": _LINES,
    "model_type": _LINES,
    "model_attributes_type": _LINES,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "path_type": "the path of a file",
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "date_from_datetime_parsing": _DAY,
    "bytes_type": _DIGITS,
    "bytes_invalid_encoding": _DIGITS,
}
"""What each kind of problem expected."""

_LIMITS = {
    "greater_than": ("gt", "a number greater than"),
    "greater_than_equal": ("ge", "a number of at least"),
    "less_than": ("lt", "a number smaller than"),
    "less_than_equal": ("le", "a number of at most"),
}
_LENGTHS = {
    "too_short": ("min_length", "at least", "entr"),
    "too_long": ("max_length", "at most", "entr"),
    "string_too_short": ("min_length", "at least", "character"),
    "string_too_long": ("max_length", "at most", "character"),
    "bytes_too_short": ("min_length", "at least", "byte"),
    "bytes_too_long": ("max_length", "at most", "byte"),
}


def shown(value: object) -> str:
    """A value as the file has it, in short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | datetime.date):
        return text_as_written(value)[:_LONGEST_SHOWN]
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}...")
    if isinstance(value, Mapping):
        return _LINES if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return _LIST if value else "an empty list"
    return str(value)[:_LONGEST_SHOWN]


def is_expectation(problem: Problem) -> bool:
    """Whether a problem says only that a value of another kind was expected, as each member of a union says it for itself."""
    return problem["type"] in _EXPECTED or problem["type"] in {"literal_error", "enum"}


def expected(problems: Sequence[Problem], keys: Sequence[str] = ()) -> str:
    """One sentence for what was expected at one place, by one or several members of a union, and what to write; `keys` may stand there."""
    value = problems[0]["input"]
    if len(problems) == 1 and problems[0]["type"] in {"literal_error", "enum"}:
        return _one_of(problems[0], value)
    nouns = [
        _EXPECTED.get(each["type"]) or f"one of {', '.join(_choices(each))}" for each in problems
    ]
    nouns = list(dict.fromkeys(nouns))
    are = "were" if nouns == [_LINES] else "was"
    return f"{' or '.join(nouns)} {are} expected, and here stands {shown(value)}. {_advice(nouns[0], value, keys)}"


def _advice(noun: str, value: object, keys: Sequence[str]) -> str:
    if value is None:
        return "Write it, or take the key out."
    is_scalar = not isinstance(value, (Mapping, list, tuple))
    written = shown(value)
    if noun == _TEXT and is_scalar:
        return f'Write "{written}", in quotes.'
    if noun == _LIST and is_scalar:
        return f"Write [{written}]."
    if noun == _LINES and keys:
        return f"Known keys: {', '.join(keys)}."
    return {
        _TEXT: "Write one text.",
        _LIST: "Write its entries below, each after a dash.",
        _LINES: "Write them below this key.",
        _NUMBER: "Write one such as 0.5.",
        _WHOLE: "Write one such as 5.",
        _TRUTH: "Write true or false.",
        _DAY: "Write year-month-day, such as 2026-12-31.",
        _DIGITS: "Copy it as it was printed.",
    }.get(noun, "Write one text.")


def _choices(problem: Problem) -> list[str]:
    written = str(problem.get("ctx", {}).get("expected", ""))
    return re.findall("'([^']*)'", written) or re.split(", | or ", written)


def _one_of(problem: Problem, value: object) -> str:
    choices = _choices(problem)
    if isinstance(value, str) and all(re.fullmatch(r"\w[\w -]*", choice) for choice in choices):
        return f"{shown(value)} may not stand here. {did_you_mean(value, choices)}"
    if isinstance(value, str):
        return f"{shown(value)} may not stand here. Write {' or '.join(map(repr, choices))}."
    return f"one of {', '.join(choices)} was expected, and here stands {shown(value)}. Write one of these."


def limited(problem: Problem) -> str:
    """What is said of a value that is too small, too large, too short or too long."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        bound = f"{words} {_plain_number(context[key])}"
        return f"{bound} was expected, and here stands {shown(problem['input'])}. Write {bound}."
    if kind in _LENGTHS:
        key, words, of = _LENGTHS[kind]
        number = int(str(context[key]))
        unit = {"entr": "entry" if number == 1 else "entries"}.get(of, f"{of}{'s' * (number != 1)}")
        bound = f"{words} {number} {unit}"
        if of == "byte":
            return f"a key or a signature of {bound} was expected. Copy it as it was printed."
        return f"{bound} {'is' if number == 1 else 'are'} needed, and here stands {_length(problem, of)}. Write {bound}."
    if kind == "invalid_key":
        key_shown = shown(problem["input"])
        return f'the key {key_shown} is no text for YAML. Write "{key_shown}", in quotes.'
    return f"{shown(problem['input'])} may not stand here. Write another value."


def _length(problem: Problem, of: str) -> str:
    if of == "character":
        return shown(problem["input"])
    number = problem.get("ctx", {}).get("actual_length")
    return f"{number or 'none'}"


def _plain_number(limit: object) -> str:
    if isinstance(limit, float):
        return f"{limit:f}".rstrip("0").rstrip(".")
    return str(limit)
