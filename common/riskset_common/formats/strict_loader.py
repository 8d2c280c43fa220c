"""Strict YAML: one meaning per text, and an error with file and line for the rest.

YAML 1.1 reads `no` as false, lets a second key silently replace the first, and turns `012` into ten. A codebook
with a level `no` would lose it without a word. Here each of these is an error. So is a text that would cost more than a file is
worth: nested without end, repeated by anchors, or with a number of thousands of digits.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Hashable, Iterator
from typing import TypeAlias

import yaml

from riskset_common.errors import YamlError
from riskset_common.formats.as_written import date_as_written, number_as_written

YamlMapping: TypeAlias = dict[Hashable, object]
"""A mapping as it was read, before a model says what must be in it."""

_PLAIN_INTEGER = r"[-+]?(0|[1-9][0-9]*)"
_PLAIN_NUMBER = r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"


_LONGEST_NUMBER = 400
"""Digits of a whole number; those of the largest number that Python calculates with have 309."""

_DEEPEST = 50
"""Lists and mappings within each other. No file of riskset needs ten."""

_MOST = 200_000
"""Values of a file, those that an anchor repeats counted each time."""


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate keys, unquoted yes/no/on/off, and numbers that are not plain decimals."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name
        self._depth = 0
        self._values: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one value, unless it lies too deep or repeats too much."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # in the stubs of PyYAML
        if self._depth > _DEEPEST:
            raise _refuse(
                event,
                f"more than {_DEEPEST} lists and mappings within each other. Write the file flatter.",
            )
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if node not in self._values:
            self._values[node] = 1 + sum(self._values.get(each, 1) for each in _parts(node))
        if self._values[node] > _MOST:
            raise _refuse(event, f"more than {_MOST:,} values. Write fewer, and no anchors.")
        return node


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    """What a list or a mapping holds, keys and values."""
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


def _refuse(where: yaml.Node | yaml.Event, message: str) -> YamlError:
    mark: yaml.Mark = where.start_mark  # type: ignore[assignment]  # the reader in Python gives this one
    return _at(mark, message)


def _at(mark: yaml.Mark, message: str) -> YamlError:
    return YamlError(f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}: {message}")


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> YamlMapping:
    if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
        raise _refuse(node, "merge keys (<<) are not read. Write the keys out.")
    mapping: YamlMapping = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise _refuse(key_node, "a key must be a word, not a list or a mapping.")
        if key in mapping:
            raise _refuse(
                key_node, f"the key {key!r} stands here a second time. Keep one of the two."
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _boolean(loader: _StrictLoader, node: yaml.ScalarNode) -> bool:
    text = loader.construct_scalar(node)
    if text.lower() not in {"true", "false"}:
        raise _refuse(
            node,
            f'unquoted {text} means true or false in YAML. Write "{text}" in quotes for the word, or true/false.',
        )
    return text.lower() == "true"


def _integer(loader: _StrictLoader, node: yaml.ScalarNode) -> float:
    digits = _plain(loader, node, _PLAIN_INTEGER)
    if len(digits) > _LONGEST_NUMBER:
        raise _refuse(
            node,
            f"a number of {len(digits):,} digits. Write it in quotes if it is a code; no number has more than {_LONGEST_NUMBER}.",
        )
    return number_as_written(int(digits), digits)


def _number(loader: _StrictLoader, node: yaml.ScalarNode) -> float:
    text = _plain(loader, node, _PLAIN_NUMBER)
    if not math.isfinite(number := float(text)):
        raise _refuse(node, f"{text} is larger than any number. Write a smaller one.")
    return number_as_written(number, text)


def _plain(loader: _StrictLoader, node: yaml.ScalarNode, pattern: str) -> str:
    text = loader.construct_scalar(node)
    if not re.fullmatch(pattern, text):
        raise _refuse(
            node,
            f'unquoted {text} is not one plain number in YAML. Write "{text}" in quotes for a code.',
        )
    return text


def _text(loader: _StrictLoader, node: yaml.ScalarNode) -> str:
    text = loader.construct_scalar(node)
    if any("\ud800" <= mark <= "\udfff" for mark in text):
        raise _refuse(
            node, f"{text!r} holds half of a character, which no file can hold. Write it anew."
        )
    return text


def _date(loader: _StrictLoader, node: yaml.ScalarNode) -> datetime.date:
    try:
        return date_as_written(loader.construct_yaml_timestamp(node), str(node.value))
    except (
        ValueError,
        OverflowError,
        AttributeError,
    ):  # the last for a text that only a tag calls a day
        text = loader.construct_scalar(node)
        raise _refuse(node, f"{text} is no day of the calendar. Write year-month-day.") from None


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_StrictLoader.add_constructor("tag:yaml.org,2002:str", _text)
_StrictLoader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _integer)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _number)
_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _date)


def strictly_loaded(text: str, name: str) -> object:
    """What the text holds; whatever is wrong with it becomes an error that names the line."""
    try:
        loader = _StrictLoader(text, name)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(
            f"{name}: not YAML: line {line} holds the character {chr(error.character)!r}. Take it out, or write it as an escape in double "
            "quotes."
        ) from error
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or loader.get_mark()
        raise _at(mark, f"not YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # What PyYAML lets through of Python's own: an escape beyond Unicode, a number that nothing holds.
        raise _at(loader.get_mark(), f"not YAML that can be read ({error}).") from error
    finally:
        loader.dispose()
