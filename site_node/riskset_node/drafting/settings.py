"""What a draft says for one key of node.yaml: a value with its reason, or a question."""

from __future__ import annotations

from dataclasses import dataclass, field

from riskset_node.config import OPEN


@dataclass(frozen=True)
class Proposal:
    """The value of one key.

    Attributes
    ----------
    value
        A text or a number as node.yaml writes it; `OPEN` where it is a question.
    why
        The reason, or the candidates.
    """

    value: str | int
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is a question."""
        return self.value == OPEN


@dataclass(frozen=True)
class VariableDraft:
    """What a draft says of one variable.

    Attributes
    ----------
    column
        The column that is proposed, or a question with the candidates.
    keys
        Further keys of the column, such as `unit`.
    codes
        By the code in the file: its level, or a question.
    note
        What else is to be known of the codes.
    """

    column: Proposal
    keys: dict[str, Proposal] = field(default_factory=dict)
    codes: dict[str, Proposal] = field(default_factory=dict)
    note: str = ""

    @property
    def questions(self) -> int:
        """How many places are to be filled in."""
        every = (self.column, *self.keys.values(), *self.codes.values())
        return sum(each.is_open for each in every)
