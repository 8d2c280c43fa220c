"""The methods section: what was done, in sentences for a paper, from the plan and what the results say of themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from riskset_common import __version__
from riskset_common.release.floors import Floors
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.shown import Withheld
from riskset_common.results.whole_file import BlindComputation, Results
from riskset_common.study.plan import Endpoint
from riskset_server.displays.parts.cells import plain
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.kinds.kind import Paragraph
from riskset_server.kinds.kinds import KINDS, kind_of
from riskset_server.kinds.sentences import cause_specific
from riskset_server.report.secrecy import NUMBERS, secrecy
from riskset_server.results.typed import distinct


def methods(results: Results, parts: Mapping[str, Part], words: Words) -> tuple[str, ...]:
    """Paragraphs of the methods section."""
    paragraphs = (
        _design(results, words),
        _times(words),
        _endpoints(parts.values(), words),
        _of_kinds(Paragraph.ESTIMATION, parts.values(), words),
        _competing_risks(parts.values(), words),
        _of_kinds(Paragraph.REGRESSION, parts.values(), words),
        _blind(results.secure.blind, words),
        _of_kinds(Paragraph.PARTS, parts.values(), words),
        _of_kinds(Paragraph.SITES, parts.values(), words),
        _of_kinds(Paragraph.TABLES, parts.values(), words),
        _conduct(parts.values(), words),
        (_software(),),
    )
    return tuple(text for sentences in paragraphs if (text := " ".join(sentences)))


def _design(results: Results, words: Words) -> Iterator[str]:
    yield (
        f"The statistical analysis plan {words.plan.plan} (version {words.plan.version}) was carried out over {len(results.sites)} sites. "
        "Patient records stayed at the sites."
    )
    yield from secrecy(results.secure, words)
    if words.plan.data_cutoff is not None:
        cutoff = words.plan.data_cutoff.isoformat()
        censored = (
            ": patients are censored on that day, and later events do not count"
            if words.plan.censor_at_cutoff
            else ""
        )
        yield f"Data were cut off on {cutoff}{censored}."


def _times(words: Words) -> Iterator[str]:
    time = words.plan.time
    days = plain(float(time.days_in(time.unit)))
    step = f"{plain(time.grid_days)} {'day' if time.grid_days == 1 else 'days'}"
    shown = "days" if time.unit == "days" else f"{time.unit} of {days} days"
    yield f"Times are counted in whole steps of {step} and shown in {shown}."
    yield (
        "Patients at risk at a time are those followed to that time or longer; an event precedes a censoring at the same time."
    )


def _endpoints(parts: Collection[Part], words: Words) -> Iterator[str]:
    for name in distinct(part.spec.endpoint_name() for part in parts):
        if name in words.plan.endpoints:
            yield _endpoint(name, words.plan.endpoints[name], words)


def _endpoint(name: str, endpoint: Endpoint, words: Words) -> str:
    short = words.short_endpoint(name)
    label = endpoint.label if short == endpoint.label else f"{endpoint.label} ({short})"
    if endpoint.first_of is not None:
        events = listed([lower_first(sentence_case(key)) for key in endpoint.first_of])
        first = f"the first of {events}" if len(endpoint.first_of) > 1 else events
        censor = lower_first(words.variable(endpoint.censor or ""))
        said = f"{label} is the time from {words.origin(name)} to {first}; patients without are censored at the {censor}."
        return " ".join((said, *_observation(endpoint, words)))
    variable = words.variable(endpoint.time.variable) if endpoint.time is not None else ""
    events = listed([lower_first(sentence_case(key)) for key in endpoint.events])
    said = f"{label} is read from the column {lower_first(variable)}; its events: {events}."
    return " ".join((said, *_observation(endpoint, words)))


def _observation(endpoint: Endpoint, words: Words) -> Iterator[str]:
    """Other ends of observation, and its beginning if that is after the origin (left truncation)."""
    ends = [lower_first(words.happening(end)) for end in endpoint.censored_at]
    if ends:
        yield f"Patients without an event until then are censored at {listed(ends)} as well."
    entry = endpoint.entry
    if entry is not None:
        begun = words.happening(entry if isinstance(entry, str) else entry.variable)
        yield f"Entry is late: patients are at risk only after {lower_first(begun)}."
    if endpoint.horizon is not None:
        yield (
            f"It is cut at {plain(endpoint.horizon)} {words.unit}: later events do not count, and patients followed longer are censored "
            "there."
        )


def _of_kinds(paragraph: Paragraph, parts: Collection[Part], words: Words) -> Iterator[str]:
    """What a paragraph says of analyses by their kinds; kinds that share their methods are named together."""
    for methods_of in distinct(kind.methods for kind in KINDS):
        own = [part for part in parts if kind_of(part.spec.kind).methods is methods_of]
        if own and methods_of.paragraph is paragraph:
            yield from methods_of.sentences(own, words)


def _competing_risks(parts: Collection[Part], words: Words) -> Iterator[str]:
    for part in parts:
        cause = part.spec.cause_name()
        if cause:
            of_cause = kind_of(part.spec.kind).of_cause or cause_specific
            yield of_cause(part, cause, words)
    yield from _of_kinds(Paragraph.COMPETING_RISKS, parts, words)


def _blind(blind: BlindComputation | None, words: Words) -> Iterator[str]:
    """Under exact release, who computed the models whose risk sets reach across sites; else everything was computed on shares."""
    if blind is None or words.plan.disclosure.release == "rounded":
        return
    names = distinct(name.partition("/")[0] for name in blind.evaluations)
    yield (
        f"Risk sets of {listed(names)} reach across sites. Sums over them were seen by nobody: the models were computed on secret "
        f"shares by a committee of {listed(blind.committee)}, of which any {NUMBERS[blind.threshold]} could learn nothing beyond "
        "the log-likelihood, score and information of the whole model at each iteration."
    )


def _conduct(parts: Collection[Part], words: Words) -> Iterator[str]:
    plan = words.plan
    pairs = [part.spec.id for part in parts if _has_pairs(part)]
    if pairs:
        yield (
            f"Tests are two-sided; those of pairs of groups ({', '.join(pairs)}) are adjusted by Holm's method, others are not "
            "adjusted for their number."
        )
    else:
        yield "Tests are two-sided, without adjustment for their number."
    primary = [part.spec.id for part in parts if part.spec.primary]
    post_hoc = [part.spec.id for part in parts if part.spec.planned == "post_hoc"]
    if primary:
        yield f"Primary: {', '.join(primary)}."
    if post_hoc:
        yield f"Post hoc: {', '.join(post_hoc)}."
    like = {"sas": "SAS (Breslow ties, log-log intervals)", "r": "R (Efron ties, log intervals)"}
    yield f"Where the plan does not say otherwise, conventions are those of {like[plan.conventions]}."
    disclosure = plan.disclosure
    if disclosure.release == "exact":
        yield "Results are released at full precision."
    else:
        yield (
            f"Results are released rounded. A number below {disclosure.minimum_cell}, but above 0, and what rests on fewer than "
            f"{Floors.of(disclosure).fewest} patients are held back, and so is what would tell them; such values read “withheld”."
        )


def _has_pairs(part: Part) -> bool:
    tests = part.result.tests if isinstance(part.result, KaplanMeierResult) else None
    return tests is not None and not isinstance(tests, Withheld) and bool(tests.pairwise)


def _software() -> str:
    return f"Computed with riskset-server {server_version()}."


def server_version() -> str:
    """Version of the server as installed; in a checkout that is not installed, that of its source."""
    try:
        return version("riskset-server")
    except PackageNotFoundError:
        return __version__
