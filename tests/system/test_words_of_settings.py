"""Whatever stands in a settings file, each problem is told in the words of the file: where, what was expected, and what to write."""

from __future__ import annotations

import datetime
import importlib
import pkgutil
import re

import pytest
from pydantic import BaseModel

import riskset_common
import riskset_node
import riskset_server
from riskset_common.consortium.invitation import Enrolment, Invitation
from riskset_common.consortium.roster_file import WrittenMember, WrittenRoster
from riskset_common.errors import InputError
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import validate

WRONG: tuple[object, ...] = (
    *(0, 5, -1, 10**30, 0.5, -0.5, 1e300, True, None, "", "x", "two words", "x" * 300, "%Y", "\x07"),
    *([], [5], ["x"], [None], [True], [[1]], [{}], ["x", "x"], [-1, "x", 1e300]),
    *({}, {"a": 1}, {"a": "b"}, {1: 2}, {"kind": "x"}, {"kind": []}, {"a": {"b": [1]}}, {"": {}}),
    *({True: "x"}, {"a": None}, {"a": [datetime.date(1900, 1, 1)]}, {"id": 5}, {"path": {"x": 1}}, {"also": [[1], {}]}),
    *(datetime.date(1900, 1, 1), [datetime.date(1900, 1, 1)], datetime.datetime(2000, 1, 1, 2)),  # noqa: DTZ001
)  # fmt: skip
"""Something of every kind that YAML has, nested too."""

NOT_OUR_WORDS = re.compile(
    r"Input should|valid (tuple|dictionary|string|integer|number|boolean|list)|Value error|pattern|type=|datetime\.|NoneType|"
    r"\bdict\b|\btuple\b|\bNone\b|\bTrue\b|\bFalse\b|<class|\bint\b|\bstr\b|\bbool\b|\bfloat\b|\[A-Z|\[a-z|\\w|\(\?|Extra inputs|"
    r"discriminator|validation|unhashable|instance of|\{'|\[\{"
)
WHAT_TO_DO = re.compile(
    r"\b(Write|Known|Did you mean|Give|Copy|Name|Take|Remove|Choose|Keep|Say|Use|Put|Set|Add|Correct|Map|Or write|"
    r"required and missing|give|either|is one of|for example|Usual ones|it has|or the word|is written|each site is named once)\b"
)


SEALED = {Invitation, Enrolment}
"""What programs write and read; nobody mends it by hand."""


def models() -> list[type[BaseModel]]:
    """Every model of a settings file, in all packages."""
    for package in (riskset_common, riskset_node, riskset_server):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", ".env")):
                importlib.import_module(module.name)
    found: list[type[BaseModel]] = [StrictModel, WrittenRoster, WrittenMember]
    for model in found:
        found += [each for each in model.__subclasses__() if each not in found]
    return [model for model in found if model.model_fields and model not in SEALED]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_whatever_stands_at_a_key_is_told_in_the_words_of_the_file(model):
    said = set()
    for name, field in model.model_fields.items():
        for wrong in WRONG:
            try:
                validate(model, {field.alias or name: wrong}, "f.yaml", InputError)
            except InputError as error:
                said |= set(str(error).splitlines())

    assert [] == [line for line in said if not line.startswith("f.yaml: ")]
    assert [] == [line for line in said if NOT_OUR_WORDS.search(line)]
    assert [] == [line for line in said if not WHAT_TO_DO.search(line)]
