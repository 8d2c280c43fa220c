"""Numbers and dates of a YAML file that remember how they were written, where a text is meant: 1.50 is no code 1.5."""

from __future__ import annotations

import datetime


class WrittenInt(int):
    """A whole number with the digits of the file."""

    written: str


class WrittenFloat(float):
    """A number with the digits of the file."""

    written: str


class WrittenDate(datetime.date):
    """A date with the digits of the file."""

    written: str


def number_as_written(value: float, text: str) -> float:
    """The number, with its text where that is not the one that Python gives it."""
    if str(value) == text:
        return value
    kept = WrittenInt(value) if isinstance(value, int) else WrittenFloat(value)
    kept.written = text
    return kept


def date_as_written(value: datetime.date, text: str) -> datetime.date:
    """The date, with its text where that is not ISO 8601; a moment stays as it is."""
    if isinstance(value, datetime.datetime) or value.isoformat() == text:
        return value
    kept = WrittenDate(value.year, value.month, value.day)
    kept.written = text
    return kept


def text_as_written(value: float | datetime.date) -> str:
    """How a number or a date stands in the file."""
    return (
        value.written if isinstance(value, WrittenInt | WrittenFloat | WrittenDate) else str(value)
    )


def token(written: object) -> object:
    """A sign in a file of patients, such as a code: a number or a date stands for its digits as written; a list is left to be refused.

    Raises
    ------
    ValueError
        If YAML reads it as something that has no text of its own.
    """
    if written is None:
        raise ValueError('nothing stands here. Write "" for an empty value, or the sign in quotes.')
    if isinstance(written, bool):
        said = str(written).lower()
        raise ValueError(f'{said} is no text for YAML. Write "{said}", in quotes, for the word.')
    if isinstance(written, datetime.datetime):
        raise ValueError(
            f'{written} is a moment for YAML. Write "{written}", in quotes, as it stands in the file.'
        )
    if isinstance(written, int | float | datetime.date):
        return text_as_written(written)
    return written
