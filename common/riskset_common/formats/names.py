"""Names that become file names, columns or lines of other files: what each kind may hold, said in words, with a name that would do.

Every kind of name has its rule here and nowhere else. Whoever reads one gives its field the type, and is told in a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

LONGEST = 64
"""Characters of a name. Files are named by it, with endings, on every system."""

LONGEST_LINE = 200
"""Characters of a name in words."""

_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
    | {"ł": "l", "Ł": "L", "ı": "i", "þ": "th", "Þ": "Th", "ð": "d", "Ð": "D"}
)
"""Letters that do not fall apart into a plain letter and a mark."""


@dataclass(frozen=True)
class NameRule:
    """One kind of name.

    Attributes
    ----------
    what
        What it names, with its article.
    pattern
        What all of it must look like.
    holds
        The pattern in words.
    joint
        What stands in a proposal where the pattern allows no character.
    elsewhere
        Where the name in words belongs.
    by_number
        Whether a whole number in a YAML file stands for its digits; else it must be written in quotes.
    """

    what: str
    pattern: str
    holds: str
    joint: str
    elsewhere: str
    by_number: bool = False

    def check(self, written: object) -> object:
        """The name. What is neither text nor a number is left to the type to refuse.

        Raises
        ------
        ValueError
            In a sentence, with a name that would do where one can be made of it.
        """
        if isinstance(written, bool) or not isinstance(written, str | int | float):
            return written
        name = str(written)
        is_text = isinstance(written, str) or (self.by_number and isinstance(written, int))
        if is_text and self.admits(name):
            return name
        proposal = self.proposal(name)
        fits = f"Write {proposal}; the" if proposal else "Choose one of these; the"
        if not is_text and proposal:
            fits = f'Write "{proposal}", in quotes; the'
        raise ValueError(
            f"{name!r} is no name of {self.what}: {self.holds}. {fits} name in words belongs in {self.elsewhere}."
        )

    def admits(self, name: str) -> bool:
        """Whether the name is of this kind."""
        return len(name) <= LONGEST and re.fullmatch(self.pattern, name) is not None

    def proposal(self, name: str) -> str:
        """A name of this kind made of the name in words; empty where nothing is left of it."""
        plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
        letters = "".join(mark for mark in plain if not unicodedata.combining(mark))
        other = r"[^A-Za-z0-9]+" if self.joint == "_" else r"[^A-Za-z0-9_.-]+"
        joined = re.sub(other, self.joint, letters).strip("._-")[:LONGEST].rstrip("._-")
        if self.admits(joined):
            return joined
        joined = re.sub(r"[^A-Za-z0-9]+", self.joint, joined).strip("._-")
        return joined if self.admits(joined) else ""


SITE = NameRule(
    "a site",
    r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    f"files are named by it, so it has letters from A to Z, digits, and - _ . after the first, {LONGEST} at most",
    "-",
    "study_group",
    by_number=True,
)
STUDY = NameRule(
    "a study",
    SITE.pattern,
    SITE.holds,
    "-",
    "title of the plan",
)
VARIABLE = NameRule(
    "a variable",
    r"[A-Za-z][A-Za-z0-9_]*",
    f"a plan refers to it, so it has letters from A to Z, and digits and _ after the first, {LONGEST} at most",
    "_",
    "label",
)
ANALYSIS = NameRule(
    "an analysis",
    r"[A-Za-z0-9][A-Za-z0-9_-]*",
    f"files are named by it, so it has letters from A to Z, digits, and - _ after the first, {LONGEST} at most",
    "_",
    "title",
)


def _version(written: object) -> object:
    """Three whole numbers with points between."""
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return written
    if isinstance(written, str) and re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", written):
        return written
    numbers = re.findall(r"[0-9]+", str(written))[:3]
    fitting = ".".join([*numbers, "0", "0"][:3]) if numbers else "1.0.0"
    raise ValueError(
        f"{str(written)!r} is no version of a plan: it has three whole numbers with points between. Write {fitting}."
    )


def _codebook_reference(written: object) -> object:
    """A codebook's name and its version."""
    if not isinstance(written, str):
        return written
    name, _, version = written.rpartition("@")
    if STUDY.admits(name) and re.fullmatch(r"[0-9]+", version):
        return written
    fitting = STUDY.proposal(name or written)
    raise ValueError(
        f"{written!r} names no codebook in one version: the two words after codebook: and version: of codebook.yaml, with @ between. "
        f"Write {fitting or 'NAME'}@{version if re.fullmatch(r'[0-9]+', version) else '1'}, if that is its version."
    )


def _line(written: object) -> object:
    """One line of text that can be printed; a whole number stands for its digits."""
    text = str(written) if isinstance(written, int) and not isinstance(written, bool) else written
    if not isinstance(text, str):
        return text
    if text.strip() and text.isprintable() and len(text) <= LONGEST_LINE:
        return text
    raise ValueError(
        f"{text!r} is no name in words: one line that is not empty, without control characters, {LONGEST_LINE} characters at most. "
        "Write it without them."
    )


SiteName = Annotated[str, BeforeValidator(SITE.check)]
"""A site. Its keys, its messages and its state lie in files of this name."""

StudyName = Annotated[str, BeforeValidator(STUDY.check)]
"""A study, a codebook or a plan."""

VariableName = Annotated[str, BeforeValidator(VARIABLE.check)]
"""A variable of a codebook."""

AnalysisId = Annotated[str, BeforeValidator(ANALYSIS.check)]
"""An analysis of a plan."""

PlanVersion = Annotated[str, BeforeValidator(_version)]
"""A version of a plan."""

CodebookReference = Annotated[str, BeforeValidator(_codebook_reference)]
"""How a plan names its codebook: NAME@VERSION."""

LineText = Annotated[str, BeforeValidator(_line)]
"""A name in words: a study group, a contact."""
