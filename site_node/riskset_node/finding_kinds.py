"""The kinds of finding: possible faults of a row of the records."""

from __future__ import annotations

from enum import StrEnum


class FindingKind(StrEnum):
    """What can be wrong with a row."""

    UNMAPPED_CODE = "unmapped_code"
    NOT_A_NUMBER = "not_a_number"
    UNCLEAR_NUMBER = "unclear_number"
    TOO_COARSE = "too_coarse"
    ROUNDED_TIMES = "rounded_times"
    NOT_A_DATE = "not_a_date"
    NOT_A_DAY = "not_a_day"
    OUT_OF_RANGE = "out_of_range"
    IMPOSSIBLE_DATE = "impossible_date"
    PLACEHOLDER_DATE = "placeholder_date"
    UNCLEAR_MISSING = "unclear_missing"
    MISSING_REQUIRED = "missing_required"
    DUPLICATE_PATIENT = "duplicate_patient"
    SIMILAR_PATIENTS = "similar_patients"
    NO_PATIENT_COLUMN = "no_patient_column"
    REVERSED_DATES = "reversed_dates"
    NEGATIVE_TIME = "negative_time"
    ENTRY_NOT_BEFORE_EXIT = "entry_not_before_exit"
    EVENT_AFTER_LAST_CONTACT = "event_after_last_contact"
    UNCOUNTED_DAYS = "uncounted_days"
    ORIGIN_AFTER_CUTOFF = "origin_after_cutoff"
    OFF_GRID = "off_grid"
    DERIVED_DIFFERS = "derived_differs"
    NO_PATIENTS = "no_patients"
    UNTYPICAL = "untypical"
    UNUSED_LEVEL = "unused_level"
    ALL_MISSING = "all_missing"
    FAR_APART = "far_apart"
    SEEN_AFTER_DEATH = "seen_after_death"


ACCEPTABLE = {
    FindingKind.UNMAPPED_CODE: "the value counts as missing",
    FindingKind.NOT_A_NUMBER: "the value counts as missing",
    FindingKind.NOT_A_DATE: "the day counts as unknown, and an event on it as one that happened",
    FindingKind.OUT_OF_RANGE: "the value counts as missing",
    FindingKind.PLACEHOLDER_DATE: "the date counts as it is written",
    FindingKind.MISSING_REQUIRED: "the row is kept with the value missing",
    FindingKind.SIMILAR_PATIENTS: "they count as different patients",
    FindingKind.DERIVED_DIFFERS: "the level that follows from the rule holds",
}
"""Kinds that a data manager may accept under `data.accept`, and what then happens to the rows."""


ONLY_WARNS = frozenset(
    {
        FindingKind.EVENT_AFTER_LAST_CONTACT,
        FindingKind.NO_PATIENT_COLUMN,
        FindingKind.ROUNDED_TIMES,
        FindingKind.UNTYPICAL,
        FindingKind.UNUSED_LEVEL,
        FindingKind.ALL_MISSING,
        FindingKind.FAR_APART,
        FindingKind.SEEN_AFTER_DEATH,
        FindingKind.ORIGIN_AFTER_CUTOFF,
    }
)
"""Kinds with one defined reading, told but never in the way."""
