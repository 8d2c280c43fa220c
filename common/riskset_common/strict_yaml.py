"""Strict YAML for files that people write by hand: one meaning per text, and an error with a line number for the rest.

YAML 1.1 reads `no` as false, lets a second key silently replace the first, and turns `012` into ten. A codebook
with a level `no` would lose it without a word. Here each of these is an error.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, PlainSerializer, ValidationError

from riskset_common.errors import InputError, YamlError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)

_AMBIGUOUS_WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
_LEADING_ZERO_OR_SEXAGESIMAL = re.compile(
    r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$"
)


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate keys, unquoted yes/no/on/off, octal-looking and sexagesimal numbers."""


def _refuse(node: yaml.Node, message: str) -> YamlError:
    mark = node.start_mark
    return YamlError(f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}: {message}")


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
        raise _refuse(node, "merge keys (<<) are not read. Write the keys out.")
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, (list, dict)):
            raise _refuse(key_node, "a key must be a word, not a list or a mapping.")
        if key in found:
            raise _refuse(
                key_node, f"the key {key!r} stands here a second time. Keep one of the two."
            )
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _boolean(loader: _StrictLoader, node: yaml.ScalarNode) -> bool:
    text = loader.construct_scalar(node)
    if text.lower() in _AMBIGUOUS_WORDS:
        raise _refuse(
            node,
            f'unquoted {text} means true or false in YAML. Write "{text}" in quotes for the word, or true/false.',
        )
    return text.lower() == "true"


def _integer(loader: _StrictLoader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    if _LEADING_ZERO_OR_SEXAGESIMAL.match(text):
        raise _refuse(
            node,
            f'unquoted {text} is not one plain number in YAML. Write "{text}" in quotes for a code.',
        )
    return int(loader.construct_yaml_int(node))


def _number(loader: _StrictLoader, node: yaml.ScalarNode) -> float:
    text = loader.construct_scalar(node)
    if ":" in text:
        raise _refuse(
            node, f'unquoted {text} is not one plain number in YAML. Write "{text}" in quotes.'
        )
    return float(loader.construct_yaml_float(node))


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_StrictLoader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _integer)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _number)


def read_yaml(path: Path) -> dict[Any, Any]:
    """Read one YAML file that holds a mapping.

    Raises
    ------
    YamlError
        With file, line and column: not there, not UTF-8, not YAML, not a mapping, or ambiguous.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise YamlError(
            f"{path}: not UTF-8 at byte {error.start}. Save the file as UTF-8."
        ) from error
    except OSError as error:
        raise YamlError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> dict[Any, Any]:
    """Parse YAML text that holds a mapping; `name` stands in the errors. Raises `YamlError`."""
    loader = _StrictLoader(text)
    loader.name = name
    try:
        found = loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        raise YamlError(
            f"{where}: not YAML: {getattr(error, 'problem', None) or error}."
        ) from error
    finally:
        loader.dispose()
    if not isinstance(found, dict):
        raise YamlError(f"{name}: the file must hold 'key: value' lines, but holds {_kind(found)}.")
    return found


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", type(None): "nothing"}.get(
        type(value), f"a {type(value).__name__}"
    )


def validate(
    model: type[Model], found: Mapping[Any, Any], name: str, error_class: type[InputError]
) -> Model:
    """Validate a mapping, or raise `error_class` with every problem on a line of its own, unknown keys with the near one."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        lines = [
            _describe(model, problem)
            for problem in error.errors(include_url=False, include_context=True)
        ]
        raise error_class("\n".join(f"{name}: {line}" for line in lines)) from error


def _describe(model: type[BaseModel], problem: Any) -> str:
    location = tuple(part for part in problem["loc"] if part != "[key]")
    where = ".".join(str(part) for part in location) or "as a whole"
    if problem["type"] == "extra_forbidden":
        known = _field_names_at(model, location[:-1])
        return f"{where}: unknown key. {did_you_mean(str(location[-1]), known)}"
    if problem["type"] == "missing":
        return f"{where}: this key is required and missing."
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in {"value_error", "union_tag_invalid", "union_tag_not_found"}:
        return f"{where}: {message}"
    shown = problem["input"]
    return (
        f"{where}: {message}, but found {shown!r}."
        if not isinstance(shown, (dict, list))
        else f"{where}: {message}."
    )


def _field_names_at(model: type[BaseModel], location: tuple[Any, ...]) -> set[str]:
    """Names of the fields of the model that the location leads to; of every candidate where it leads to a union."""
    candidates: list[type[BaseModel]] = [model]
    for part in location:
        following: list[type[BaseModel]] = []
        for candidate in candidates:
            fields = {(field.alias or key): field for key, field in candidate.model_fields.items()}
            if part in fields:
                following += _models_in(fields[part].annotation)
            elif candidate.model_fields.get("kind") is not None and part in get_args(
                candidate.model_fields["kind"].annotation
            ):
                following.append(candidate)
        if following:
            candidates = following
    return {
        field.alias or key
        for candidate in candidates
        for key, field in candidate.model_fields.items()
    }


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated, list, tuple, dict):
        return [model for argument in get_args(annotation) for model in _models_in(argument)]
    return []


def _pairs_to_mapping(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        return dict(value)
    return value


def _mapping_to_pairs(value: Mapping[Any, Any]) -> list[list[Any]]:
    return [[key, item] for key, item in value.items()]


_Item = TypeVar("_Item")


def _level_name(value: Any) -> Any:
    """A level may be written as a whole number; its name is the number's digits."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[str, BeforeValidator(_level_name)]
"""A level name or code: text, or a whole number that stands for its digits."""

InOrder = Annotated[
    dict[Name, _Item],
    BeforeValidator(_pairs_to_mapping),
    PlainSerializer(_mapping_to_pairs, return_type=list),
]
"""A mapping whose order means something (the first level is the reference). Canonical JSON sorts keys, so it is hashed as pairs."""
