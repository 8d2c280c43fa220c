"""Files that people write by hand: read as strict YAML, validated by a model, and every problem told in the words of the file."""

from __future__ import annotations

import re
import types
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeGuard, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainSerializer, ValidationError

from riskset_common.errors import InputError, YamlError, did_you_mean
from riskset_common.formats.as_written import text_as_written
from riskset_common.formats.problems import Problem
from riskset_common.formats.strict_loader import YamlMapping, strictly_loaded
from riskset_common.formats.wording import expected, is_expectation, limited, shown

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> YamlMapping:
    """Read one YAML file that holds a mapping.

    Raises
    ------
    YamlError
        With file, line and column: not there, not UTF-8, not YAML, not a mapping, or ambiguous.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise YamlError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    try:
        return parse_yaml(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError(
            f"{path}: not UTF-8 at byte {error.start}. Save the file as UTF-8; the byte stands in line {line}."
        ) from error


def parse_yaml(text: str, name: str) -> YamlMapping:
    """Parse YAML text that holds a mapping. Raises `YamlError`, whose text begins with `name`."""
    content = strictly_loaded(text, name)
    if not isinstance(content, dict):
        raise YamlError(
            f"{name}: the file must hold 'key: value' lines, but holds {shown(content)}. Write one in line 1."
        )
    return content


def validate(
    model: type[Model], content: object, name: str, error_class: type[InputError]
) -> Model:
    """Validate what was read, or raise `error_class` with every problem on a line of its own, unknown keys with the near one."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [
            line
            for group in _by_cause(content, error.errors(include_url=False))
            for line in _describe(model, content, group).splitlines()
        ]
        raise error_class("\n".join(f"{name}: {line}" for line in lines)) from error


def _by_cause(content: object, problems: Sequence[Problem]) -> Iterator[list[Problem]]:
    """The problems, those of one cause together: what each member of a union expected at one place."""
    groups: dict[str, list[Problem]] = {}
    for number, problem in enumerate(problems):
        if _follows_from_others(content, problem, problems):
            continue
        joined = is_expectation(problem)
        key = _place(content, problem["loc"], ends_in_key=False) if joined else str(number)
        groups.setdefault(f"{joined} {key}", []).append(problem)
    yield from groups.values()


def _follows_from_others(content: object, problem: Problem, problems: Sequence[Problem]) -> bool:
    """Whether others say what matters.

    A list whose every entry is wrong counts as too short for pydantic, and a list or mapping that is right in kind and wrong within
    as no text where a text could stand too; what is wrong within is told.
    """
    if problem["type"] != "too_short" and not (
        is_expectation(problem) and isinstance(problem["input"], (list, tuple, Mapping))
    ):
        return False
    place = _steps(content, problem["loc"], ends_in_key=False)
    return any(
        len(steps) > len(place) and steps[: len(place)] == place
        for other in problems
        for steps in [_steps(content, other["loc"], ends_in_key=other["type"] in _ABOUT_KEYS)]
    )


_ABOUT_KEYS = {"extra_forbidden", "missing"}
"""Problems whose place ends in a key that the file need not have."""


def _describe(model: type[BaseModel], content: object, group: Sequence[Problem]) -> str:
    problem = group[0]
    location, kind = problem["loc"], problem["type"]
    where = _place(content, location, ends_in_key=kind in _ABOUT_KEYS)
    if kind == "extra_forbidden":
        refused = _refused_at(model, location[:-1]).get(str(location[-1]))
        if refused is not None:
            return f"{where}: {refused}"
        known = _field_names_at(model, location[:-1])
        return f"{where}: unknown key. {did_you_mean(str(location[-1]), known)}"
    if kind == "missing":
        return f"{where}: this key is required and missing."
    if kind == "union_tag_not_found":
        return f"{where}: the key {problem['ctx']['discriminator']} is required and missing."
    if kind == "union_tag_invalid":
        tags = sorted(re.findall("'([^']*)'", str(problem["ctx"]["expected_tags"])))
        key = str(problem["ctx"]["discriminator"]).strip("'")
        return f"{where}: this release has no {key} {problem['ctx']['tag']!r}. Known: {', '.join(tags)}."
    if kind == "value_error":
        # A validator may name several problems, each on a line of its own.
        message = str(problem["ctx"]["error"])
        return "\n".join(
            f"{where}: {line}" if where != WHOLE else line for line in message.splitlines()
        )
    if is_expectation(problem):
        keys = sorted(_field_names_at(model, location))
        return f"{where}: {expected(group, keys)}"
    return f"{where}: {limited(problem)}"


WHOLE = "as a whole"


def _place(content: object, location: tuple[int | str, ...], *, ends_in_key: bool) -> str:
    """The location as the person who wrote the file sees it: their keys, and entries of a list by their id if they have one."""
    parts = _steps(content, location, ends_in_key=ends_in_key)
    return ".".join(part if part.isprintable() else repr(part) for part in parts) or WHOLE


def _steps(
    content: object, location: tuple[int | str, ...], *, ends_in_key: bool
) -> tuple[str, ...]:
    """The keys and entries on the way to a location.

    What pydantic adds is left out: which member of a union it tried, which validator refused the value.
    """
    parts: list[str] = []
    here = content
    for index, part in enumerate(location):
        if isinstance(here, Mapping) and part in here:
            here = here[part]
            parts.append(str(part))
        elif isinstance(here, (list, tuple)) and isinstance(part, int) and part < len(here):
            here = here[part]
            own_name = here.get("id") if isinstance(here, Mapping) else None
            parts.append(own_name if isinstance(own_name, str) else str(part))
        elif ends_in_key and index == len(location) - 1:
            parts.append(str(part))
    return tuple(parts)


def _field_names_at(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    """Names of the fields of the model that the location leads to; of every candidate where it leads to a union."""
    return {name for each in _models_at(model, location) for name in _fields(each)}


def _refused_at(model: type[BaseModel], location: tuple[int | str, ...]) -> dict[str, str]:
    """Keys that the model at the location refuses, each with the reason and what to do (`StrictModel.REFUSED`)."""
    reasons: dict[str, str] = {}
    for each in _models_at(model, location):
        reasons |= getattr(each, "REFUSED", {})
    return reasons


def _models_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """The model that the location leads to; every candidate where it leads to a union."""
    candidates: list[object] = [model]
    for part in location:
        following = [
            further
            for candidate in candidates
            for member in _members(candidate)
            for further in _following(member, part)
        ]
        # A part that leads nowhere is pydantic's own: the validator that found the problem.
        candidates = following or candidates
    members = (member for candidate in candidates for member in _members(candidate))
    return [member for member in members if _is_model(member)]


def _members(annotation: object) -> Iterator[object]:
    """The types that an annotation allows, unions and metadata taken apart."""
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _following(annotation: object, part: int | str) -> list[object]:
    """What lies behind one part of a location: a field's type, an entry's type, or the union's member that the part names."""
    if _is_model(annotation):
        fields = _fields(annotation)
        if part in fields:
            return [fields[str(part)]]
        tags = get_args(fields.get("kind"))
        return [annotation] if part in tags or part == annotation.__name__ else []
    if get_origin(annotation) is dict:
        return [get_args(annotation)[1]]
    if get_origin(annotation) in (list, tuple) and isinstance(part, int):
        return [get_args(annotation)[0]]
    return []


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, object]:
    """Types of the fields by the names that a file uses."""
    return {field.alias or key: field.annotation for key, field in model.model_fields.items()}


def _level_name(value: object) -> object:
    """A level may be written as a whole number; its name is the number's digits."""
    return (
        text_as_written(value) if isinstance(value, int) and not isinstance(value, bool) else value
    )


def _pairs_to_mapping(value: object) -> object:
    """Pairs as a mapping, its names as text; names that are the same text are refused, or one would silently replace the other."""
    if isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        pairs = [(key, item) for key, item in value]
    elif isinstance(value, dict):
        pairs = list(value.items())
    else:
        return value
    named: dict[object, object] = {}
    for key, item in pairs:
        if not isinstance(key, Hashable):
            raise ValueError("a name must be a word, not a list or a mapping.")
        name = _level_name(key)
        if name in named:
            raise ValueError(f"the name {name!r} stands here a second time. Keep one of the two.")
        named[name] = item
    return named


def _mapping_to_pairs(value: Mapping[str, object]) -> list[list[object]]:
    return [[key, item] for key, item in value.items()]


_Item = TypeVar("_Item")


Name = Annotated[str, BeforeValidator(_level_name)]
"""A level name or code: text, or a whole number that stands for its digits."""

InOrder = Annotated[
    dict[str, _Item],
    BeforeValidator(_pairs_to_mapping),
    PlainSerializer(_mapping_to_pairs, return_type=list),
]
"""A mapping whose order means something (the first level is the reference). Canonical JSON sorts keys, so it is hashed as pairs."""
