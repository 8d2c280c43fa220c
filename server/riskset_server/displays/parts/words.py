"""The study's words: what a reader calls a variable, a level, a group, an endpoint, a population and a time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import Codebook, NumberVariable
from riskset_common.study.plan import Plan
from riskset_server.displays.parts.cells import plain

TIMES = "\N{MULTIPLICATION SIGN}"
_ABBREVIATION = re.compile(r"[A-Z]{2,6}$")
_NO_VOWEL = re.compile(r"[b-df-hj-np-tv-xz]{2,4}$")
_PERSONS = ("Cox ", "Fisher's ", "Gray's ", "Kaplan")
_DATE_OF = re.compile(r"date of (first )?", re.IGNORECASE)


def sentence_case(name: str) -> str:
    """An identifier as words: death_in_cr reads `Death in CR`, for a short word without a vowel is an abbreviation."""
    words = [word.upper() if _NO_VOWEL.match(word) else word for word in name.split("_")]
    spaced = " ".join(words).strip()
    return spaced[:1].upper() + spaced[1:]


def lower_first(words: str) -> str:
    """Words inside a sentence; an abbreviation such as WBC, or B-lineage, and a person's name keep their capital."""
    keeps = words.startswith(_PERSONS) or not words[1:2].islower()
    return words if keeps else words[:1].lower() + words[1:]


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(items) < 3:
        return " and ".join(items)
    return f"{', '.join(items[:-1])}, and {items[-1]}"


@dataclass(frozen=True)
class Words:
    """What the plan and the codebook call things; `nouns` are those of the kinds of analysis in titles, with {} for the endpoint."""

    plan: Plan
    codebook: Codebook
    nouns: Mapping[str, str]

    def variable(self, name: str) -> str:
        """Label of a variable, built-in ones too; an unknown name is its own label."""
        known = name in self.codebook.variables or self.codebook.levels(name) is not None
        return self.codebook.label(name) if known or name in ("site", "study_group") else name

    def level(self, name: str, level: str) -> str:
        """Label of a level, with the printer's signs for >= and <=."""
        label = self.codebook.level_label(name, level)
        return label.replace(">=", "\N{GREATER-THAN OR EQUAL TO}").replace(
            "<=", "\N{LESS-THAN OR EQUAL TO}"
        )

    def group(self, levels: Mapping[str, str]) -> str:
        """A group of patients by its levels: `Male`, or `Male, High`; `All patients` without any."""
        named = [self.level(name, level) for name, level in levels.items()]
        return ", ".join(named) or "All patients"

    def column(self, by: Sequence[str], name: str) -> str:
        """A column of a table whose heading joins level names by ` / `, as results do."""
        parts = name.split(" / ") if len(by) > 1 else [name]
        if not by or len(parts) != len(by):
            return "All patients" if name == "all" else name
        return self.group(dict(zip(by, parts, strict=True)))

    def term(self, name: str) -> str:
        """A term of a model: a variable with its unit, or an interaction `a:b`."""
        if name in self.codebook.variables or name in self.codebook.derived:
            variable = self.codebook.variables.get(name)
            unit = variable.unit if isinstance(variable, NumberVariable) else None
            return f"{self.variable(name)}, {unit}" if unit else self.variable(name)
        return f" {TIMES} ".join(self.variable(part) for part in name.split(":"))

    def term_level(self, term: str, level: str) -> str:
        """A level of a term; of an interaction `a:b` the levels `x:y` of its factors, which may hold colons themselves."""
        names = [name for name in term.split(":") if not self._is_number(name)]
        pieces = level.split(":")
        cuts = itertools.combinations(range(1, len(pieces)), len(names) - 1) if names else ()
        splits = [
            [":".join(pieces[low:high]) for low, high in itertools.pairwise((0, *cut, len(pieces)))]
            for cut in cuts
        ]
        if not splits:
            return level
        best = max(splits, key=lambda parts: sum(map(self._known, names, parts)))
        return f" {TIMES} ".join(map(self.level, names, best))

    def _is_number(self, name: str) -> bool:
        return isinstance(self.codebook.variables.get(name), NumberVariable)

    def _known(self, name: str, level: str) -> int:
        return int(level in (self.codebook.levels(name) or ()))

    def endpoint(self, name: str) -> str:
        """Label of an endpoint."""
        return self.plan.endpoints[name].label if name in self.plan.endpoints else name

    def short_endpoint(self, name: str) -> str:
        """The endpoint's name where it is an abbreviation (EFS), else its label."""
        return name if _ABBREVIATION.match(name) else self.endpoint(name)

    def endpoint_abbreviation(self, name: str) -> tuple[tuple[str, str], ...]:
        """Short and long form of an endpoint whose name is an abbreviation; empty for another."""
        return ((name, lower_first(self.endpoint(name))),) if _ABBREVIATION.match(name) else ()

    def cut_endpoints(self, endpoints: Iterable[str]) -> Iterator[str]:
        """A note on each endpoint that is cut at a horizon."""
        for name in dict.fromkeys(endpoints):
            found = self.plan.endpoints.get(name)
            if found is not None and found.horizon is not None:
                yield f"{self.short_endpoint(name)} is cut at {plain(found.horizon)} {self.unit}: patients followed longer are censored."

    def origin(self, endpoint: str) -> str | None:
        """What an endpoint counts time from, in words; None for ready-made times."""
        found = self.plan.endpoints.get(endpoint)
        if found is None or found.origin is None:
            return None
        return lower_first(self.happening(found.origin))

    def happening(self, name: str) -> str:
        """What a date is the date of, from its label; the label of another variable."""
        return _DATE_OF.sub("", self.variable(name))

    def time_axis(self, endpoints: Iterable[str]) -> str:
        """The label of a time axis: `Time since diagnosis (years)`."""
        origins = {self.origin(name) for name in endpoints}
        origin = origins.pop() if len(origins) == 1 else None
        return f"Time since {origin} ({self.unit})" if origin else f"Time ({self.unit})"

    @property
    def unit(self) -> str:
        """The unit of results: days, weeks, months or years."""
        return self.plan.time.unit

    def horizon(self, time: float) -> str:
        """A time before a noun: `6-year`, `365.25-day`."""
        return f"{plain(time)}-{self.unit.removesuffix('s')}"

    def duration(self, time: float) -> str:
        """A time such as a median: whole days and weeks as such, else one decimal, two below one."""
        if self.unit in ("days", "weeks") and time == round(time):
            return f"{time:,.0f}"
        return f"{time:.2f}" if abs(time) < 1 else f"{time:,.1f}"

    def population(self, spec: AnalysisSpec) -> str:
        """The patients of an analysis: the label of its population and the conditions on top of it."""
        population = self.plan.populations.get(spec.population) if spec.population else None
        label = population.label if population is not None else "All patients"
        return "; ".join([label, *self.conditions(spec.where)])

    def conditions(self, where: Mapping[str, Sequence[str]]) -> list[str]:
        """Conditions in words: `risk group: Medium or High`."""
        return [
            f"{lower_first(self.variable(name))}: {' or '.join(self.level(name, level) for level in levels)}"
            for name, levels in sorted(where.items())
        ]

    def under(self, named: str, where: Mapping[str, Sequence[str]]) -> str:
        """Something that happened, with its conditions if it has any: `transplantation (donor: Sibling)`."""
        return f"{named} ({'; '.join(self.conditions(where))})" if where else named

    def title(self, spec: AnalysisSpec) -> str:
        """The title of an analysis: the plan's, else made of endpoint, grouping and population."""
        return spec.title or self._made_title(spec)

    def _made_title(self, spec: AnalysisSpec) -> str:
        endpoint = spec.endpoint_name()
        named = self.endpoint(endpoint) if endpoint else ""
        noun = self.nouns[spec.kind].format(lower_first(named))
        subject = noun or named or sentence_case(spec.kind)
        cause = spec.cause_name()
        subject += f", {lower_first(sentence_case(cause))} as the event" if cause else ""
        by = spec.grouped_by()
        grouped = f" by {listed([lower_first(self.variable(name)) for name in by])}" if by else ""
        chosen = spec.population or spec.where
        return f"{subject}{grouped}" + (f": {lower_first(self.population(spec))}" if chosen else "")

    def planned(self, spec: AnalysisSpec) -> str:
        """Whether an analysis was planned."""
        named = {"planned": "planned", "post_hoc": "post hoc"}[spec.planned]
        return f"primary, {named}" if spec.primary else named
