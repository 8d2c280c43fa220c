"""Every field of plan, codebook, node.yaml and the centre's settings is acted on: a setting that no code reads promises what nothing does.

A field is read where a module takes it as an attribute, where another module names it in a text (`required(config, "centre.ca")`),
or where the kinds that are made of others copy it by name (`model_dump(include=...)`). If several classes have an attribute of that
name, an attribute alone proves nothing: then the reader must know the model, because it imports something of its module. Of node.yaml
and centre.yaml it must also take the attribute of something that is called as such a model is (`config.study`, and not `joined.study`).
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_node.config import NodeConfig
from riskset_server.centre.config import CentreConfig

CALLED = {
    "NodeConfig": {"config"},
    "CentreConfig": {"config", "centre"},
    "PinnedRoster": {"pinned"},
    "ColumnMap": {"column"},
    "PinnedPlan": {"pin"},
}
"""What variables with these models are called, beside the key of the file that leads to the model, and `settings`."""

ROOTS = (NodeConfig, Plan, Codebook, CentreConfig, *(type(each).spec for each in ESTIMATORS))
FOLDERS = ("common", "site_node", "server", "deploy")


def models_below(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every settings model that an annotation leads to."""
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple, list, dict):
        for part in get_args(annotation):
            yield from models_below(part)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_below(field.annotation)


def settings() -> list[tuple[type[BaseModel], str]]:
    """Each model and field that a person may write, at the model that declares it."""
    declared = {
        (owner, name)
        for root in ROOTS
        for model in models_below(root)
        for name in model.model_fields
        for owner in model.__mro__
        if name in inspect.get_annotations(owner) and not is_a_statement(model, name)
    }
    return sorted(declared, key=lambda each: (each[0].__module__, each[0].__qualname__, each[1]))


def is_a_statement(model: type[BaseModel], name: str) -> bool:
    """Whether a field admits one value only: reading the file enforces it, and there is nothing to act on."""
    annotation = model.model_fields[name].annotation
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


@cache
def names_of_files() -> dict[type[BaseModel], set[str]]:
    """For each model of node.yaml and centre.yaml, what a variable with it may be called."""
    names: dict[type[BaseModel], set[str]] = {}
    for root in (NodeConfig, CentreConfig):
        for model in models_below(root):
            names.setdefault(model, {"settings"} | CALLED.get(model.__name__, set()))
        for model in models_below(root):
            for name, field in model.model_fields.items():
                for below in models_below(field.annotation):
                    names[below].add(name)
    return names


class Module:
    """What one module reads: attributes outside annotations, texts, and names it imports."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.attributes: set[str] = set()
        self.taken_of: set[tuple[str, str]] = set()
        self.texts: set[str] = set()
        self.imported: set[str] = set()
        self.declared: Counter[str] = Counter()
        self.copies = False
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self.attributes.add(node.attr)
                of = node.value
                called = of.id if isinstance(of, ast.Name) else getattr(of, "attr", "")
                self.taken_of.add((called.removeprefix("_"), node.attr))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.texts.add(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "required":
                self.texts |= {
                    f".{each.value!s}" for each in node.args[1:] if isinstance(each, ast.Constant)
                }
            elif isinstance(node, ast.keyword) and node.arg == "include":
                self.copies = True
            elif isinstance(node, ast.ImportFrom) and node.module:
                self.imported.add(node.module)
            elif isinstance(node, ast.ClassDef):
                self.declared.update(
                    {
                        part.target.id
                        for part in node.body
                        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
                    }
                )

    def takes(self, name: str, model: type[BaseModel], called: set[str] | None) -> bool:
        """Whether it takes an attribute of this name, of something that is called so."""
        if called is None:
            return name in self.attributes
        own = {"self"} if self.name == model.__module__ else set()
        return any((each, name) in self.taken_of for each in called | own)

    def knows(self, model: type[BaseModel]) -> bool:
        """Whether the module is the model's own or imports something of it."""
        return model.__module__ in {self.name, *self.imported}


@cache
def product() -> tuple[Module, ...]:
    root = Path(__file__).parents[2]
    files = (path for folder in FOLDERS for path in (root / folder).glob("**/riskset_*/**/*.py"))
    return tuple(
        Module(_module_name(path), ast.parse(path.read_text(encoding="utf-8"))) for path in files
    )


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    start = next(index for index, part in enumerate(parts) if part.startswith("riskset_"))
    return ".".join(parts[start:]).removesuffix(".__init__")


def readers(model: type[BaseModel], name: str) -> list[str]:
    """Modules that read a field."""
    shared = sum(module.declared[name] for module in product()) > 1
    called = names_of_files().get(model) if shared else None
    return [
        module.name
        for module in product()
        if (module.takes(name, model, called) and (not shared or called or module.knows(model)))
        or (module.name != model.__module__ and any(t.endswith(f".{name}") for t in module.texts))
        or (module.copies and module.knows(model) and name in module.texts)
    ]


@pytest.mark.parametrize(
    ("model", "name"),
    [pytest.param(*each, id=f"{each[0].__name__}.{each[1]}") for each in settings()],
)
def test_a_setting_is_read(model: type[BaseModel], name: str) -> None:
    assert readers(model, name), f"{model.__qualname__}.{name} is read by no module"


def test_a_setting_that_nothing_reads_is_found() -> None:
    class Unread(BaseModel):
        nobody_reads_this_setting: int = 0

    assert [] == readers(Unread, "nobody_reads_this_setting")
