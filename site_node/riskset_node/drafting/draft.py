"""A draft of node.yaml from a look at the file: proposals that can be right, and questions for the rest.

Nothing is guessed: where two readings are possible, the draft asks, and says both.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskset_common.programs.screen import one_line
from riskset_common.study.codebook import CategoryVariable, Codebook, NumberVariable
from riskset_node.config import OPEN
from riskset_node.drafting.codes import codes_of
from riskset_node.drafting.files import FileRead
from riskset_node.drafting.likeness import LabelParts, most_alike
from riskset_node.drafting.looks import Look, looks
from riskset_node.drafting.matching import Match, matches, patient_columns
from riskset_node.drafting.settings import Proposal, VariableDraft
from riskset_node.drafting.writing import data_section
from riskset_node.records.variable_columns import AnyVariable
from riskset_node.sources.date_forms import DAY_ZERO, date_form
from riskset_node.sources.source import Labels

_USUAL_FORM = "%Y-%m-%d"
_CANDIDATES_SHOWN = 12


@dataclass(frozen=True)
class Draft:
    """The section `data` of a node.yaml.

    Attributes
    ----------
    proposed
        By variable: the column that is proposed.
    variables
        How many variables the codebook has.
    questions
        How many places are to be filled in.
    """

    text: str
    proposed: Mapping[str, str]
    variables: int
    questions: int


def draft_of(file: FileRead, place: str, codebook: Codebook, today: datetime.date) -> Draft:
    """Propose what the file and the codebook's words say.

    Parameters
    ----------
    place
        The path as node.yaml is to write it.
    """
    labels = file.labels
    seen, signs = looks(file.columns, labels.columns, today)
    patients = patient_columns(seen)
    patient = _patient(patients)
    for_variables = [look for look in seen if look.name != patient.value]
    found = matches(codebook, for_variables)
    source = _source(file, place, for_variables, signs)
    left = [look for look in for_variables if look not in [each.look for each in found.values()]]
    drafts = {
        name: _variable(found[name], variable, labels, source, one_row_a_patient=bool(patients))
        if name in found
        else VariableDraft(_not_found(name, variable, left))
        for name, variable in codebook.variables.items()
    }
    text = data_section(source, patient, drafts, _not_used(file, left))
    questions = [each.is_open for each in (patient, *source.values())]
    return Draft(
        text=text,
        proposed={name: match.look.name for name, match in found.items()},
        variables=len(drafts),
        questions=sum(questions) + sum(draft.questions for draft in drafts.values()),
    )


def _patient(candidates: Sequence[Look]) -> Proposal:
    if len(candidates) == 1:
        return Proposal(candidates[0].name, "every row has another value here")
    if not candidates:
        return Proposal(
            OPEN,
            "no column has another value in every row; take this line away if there are no ids",
        )
    return Proposal(OPEN, f"every row has another value in: {_listed(candidates)}")


def _listed(some: Sequence[Look]) -> str:
    names = [one_line(look.name) for look in some]
    more = len(names) - _CANDIDATES_SHOWN
    return ", ".join(names[:_CANDIDATES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _source(
    file: FileRead, place: str, seen: Sequence[Look], signs: Sequence[str]
) -> dict[str, Proposal]:
    """The keys of `data.source`; forms of dates and the decimal sign are those of most columns that are surely in one."""
    found = {"kind": file.kind, "path": Proposal(place)} | dict(file.settings)
    sure = Counter(look.forms[0] for look in seen if len(look.forms) == 1 and _for_source(look))
    if sure and sure.most_common(1)[0][0] != _USUAL_FORM:
        form, columns = sure.most_common(1)[0]
        found["dates"] = Proposal(form, f"the only form that fits, in columns of dates: {columns}")
    commas = [look for look in seen if look.decimals == (",",)]
    points = [look for look in seen if look.decimals == (".",)]
    if file.kind.value == "csv" and len(commas) > len(points):
        found["decimal"] = Proposal(",", f"columns with a decimal comma: {len(commas)}")
    if signs:
        found["missing"] = Proposal(
            OPEN,
            f"{_quoted(signs)} among dates or numbers of several columns: if it stands for missing, "
            f'write ["", NA, ".", {_quoted(signs)}]',
        )
    return found


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f'"{one_line(text)}"' for text in texts)


def _for_source(look: Look) -> bool:
    form = look.forms[0]
    return form not in DAY_ZERO and date_form(form).has_day and "number" not in look.kinds


def _variable(
    match: Match,
    variable: AnyVariable,
    labels: Labels,
    source: Mapping[str, Proposal],
    *,
    one_row_a_patient: bool,
) -> VariableDraft:
    look = match.look
    column = Proposal(look.name, match.why)
    if isinstance(variable, CategoryVariable):
        known = labels.values.get(look.name, {})
        codes, note = codes_of(look, variable, known, one_row_a_patient=one_row_a_patient)
        # Without a code that can be shown the place is left open, so that it is not read as if its values were levels.
        keys = {"codes": Proposal(OPEN, note)} if note and not codes else {}
        return VariableDraft(column, keys, codes, "" if keys else note)
    if isinstance(variable, NumberVariable):
        return VariableDraft(column, _number_keys(match, variable, source), note=_odd_told(look))
    return VariableDraft(column, _date_keys(look, source), note=_odd_told(look))


def _odd_told(look: Look) -> str:
    odd = len(look.odd)
    texts = "1 other text stands" if odd == 1 else f"{odd} other texts stand"
    return f"{texts} among them: `data check` names them" if odd else ""


def _number_keys(
    match: Match, variable: NumberVariable, source: Mapping[str, Proposal]
) -> dict[str, Proposal]:
    """Unit and decimal sign of a column. The unit is the one that its label names; a column of the variable's own name has its unit."""
    look, keys = match.look, {}
    parts = [LabelParts.of(look.label), LabelParts.of(look.name)]
    other = [each for part in parts for each in part.in_brackets]
    fitting = list(
        dict.fromkeys(each for part in parts for each in part.units(variable.unit or ""))
    )
    if len(fitting) == 1:
        if fitting[0] != variable.unit:
            keys["unit"] = Proposal(fitting[0], "written in the label")
    elif variable.unit is not None and (fitting or other or not match.same_name):
        named = f"{', '.join(fitting or other)}? " if fitting or other else ""
        keys["unit"] = Proposal(
            OPEN, f"{named}the codebook's is {variable.unit}; write the column's own"
        )
    keys |= _decimal_key(look, str(source["decimal"].value) if "decimal" in source else ".")
    return keys


def _decimal_key(look: Look, decimal: str) -> dict[str, Proposal]:
    """The signs of a column's numbers, where they are not the source's or may be two."""
    if len(look.grouped) == 1:
        sign, between = look.grouped[0]
        why = "the only signs that fit"
        return {"decimal": Proposal(sign, why), "thousands": Proposal(between, why)}
    if look.grouped:
        told = " or ".join(f'"{sign}" and "{between}"' for sign, between in look.grouped)
        asked = Proposal(OPEN, f"decimal and thousands are {told}")
        return {"decimal": asked, "thousands": asked}
    if look.decimals in ((), (decimal,)):
        return {} if not look.is_one_group(decimal) else _asks_for_sign(decimal)
    if len(look.decimals) == 1:
        return {"decimal": Proposal(look.decimals[0], "the only decimal sign that fits")}
    return _asks_for_sign(decimal)


def _asks_for_sign(decimal: str) -> dict[str, Proposal]:
    return {
        "decimal": Proposal(
            OPEN,
            f'"." or ","; or "{decimal}" stands between thousands: write thousands: "{decimal}" instead',
        )
    }


def _date_keys(look: Look, source: Mapping[str, Proposal]) -> dict[str, Proposal]:
    keys = {}
    of_source = str(source["dates"].value) if "dates" in source else _USUAL_FORM
    if not look.values:
        return {}
    if len(look.forms) > 1:
        keys["dates"] = Proposal(OPEN, f"fits {' and '.join(look.forms)}; look at the days")
    elif not look.forms and look.is_text:
        keys["dates"] = Proposal(OPEN, "no one form fits all of them; write a list of their forms")
    elif look.forms and look.forms[0] != of_source:
        keys["dates"] = Proposal(look.forms[0], "the only form that fits")
    if any(not date_form(form).has_day for form in look.forms):
        keys["day"] = Proposal(
            OPEN, "they have month and year only: the day that completes them, such as 15"
        )
    if look.has_times:
        keys["moments"] = Proposal(
            OPEN, "they have a time of day: local, or a zone such as Europe/Vienna"
        )
    return keys


def _not_found(name: str, variable: AnyVariable, left: Sequence[Look]) -> Proposal:
    fitting = sorted(
        (look for look in left if variable.kind in look.kinds and look.values),
        key=lambda look: -most_alike((name, variable.label), look.names),
    )
    nouns = {"date": "dates", "number": "numbers", "category": "codes"}
    label = one_line(variable.label)
    if fitting:
        return Proposal(
            OPEN, f"{label}. Columns of {nouns[variable.kind]} not used yet: {_listed(fitting)}"
        )
    move = "" if variable.required else "; if there is none, move it to absent: with the reason"
    return Proposal(OPEN, f"{label}. No column of {nouns[variable.kind]} is left{move}")


def _not_used(file: FileRead, left: Sequence[Look]) -> list[str]:
    names = [look.name for look in left]
    nameless = sum(not name for name in file.header)
    twice = sorted({name for name in file.header if name and file.header.count(name) > 1})
    return [
        *names,
        *(f"{name} (named twice)" for name in twice),
        *([f"{nameless} without a name"] if nameless else []),
    ]
