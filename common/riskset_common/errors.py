"""Every error that riskset raises on purpose, and which of them may cross the wire.

::

    RisksetError
    ├── InputError            a file or table that a person can mend             exit 1
    │   ├── YamlError         not the strict YAML that riskset reads
    │   ├── CodebookError     codebook.yaml contradicts itself
    │   ├── PlanError         plan.yaml contradicts itself or the codebook
    │   ├── NodeConfigError   node.yaml contradicts itself, the codebook or the plan
    │   └── DataError         patient records that cannot be used as they are
    ├── EstimationError       the pooled data do not hold an answer              exit 1
    │   └── ContradictionError    pooled counts that cannot all be true
    ├── RecordsFailed         a site's own records do not answer a question      exit 1
    └── Refusal               a rule said no; nothing was sent                   exit 3
        ├── ApprovalRefusal   nobody at the site agreed to the plan
        ├── PolicyRefusal     a site's policy or the plan's disclosure rule
        ├── SignatureRefusal  a signature or hash that does not fit
        │   └── RosterRefusal the centre's roster is not the one here
        └── ProtocolRefusal   a message that the secure sum may not answer

An error is read by the person who can act on it, on the machine where it arose: it says what, where, what was found and what to do.
Nothing but `wire_code`, a fixed noun, is ever sent to another party, because a text could carry a patient's value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar


class RisksetError(Exception):
    """The root. `exit_code` is what a command ends with; `wire_code` is all that another party learns."""

    exit_code: ClassVar[int] = 1
    wire_code: ClassVar[str] = "failed"


class InputError(RisksetError):
    """A file or table that a person can mend."""


class YamlError(InputError):
    """Text that is not the strict YAML that riskset reads: duplicate keys, unquoted yes/no, not a mapping."""


class CodebookError(InputError):
    """A codebook that contradicts itself."""

    wire_code = "codebook"


class PlanError(InputError):
    """A plan that contradicts itself or the codebook."""

    wire_code = "plan"


class NodeConfigError(InputError):
    """A node.yaml that contradicts itself, the codebook or the plan."""


class DataError(InputError):
    """Patient records that cannot be used as they are. Never leaves the site; only its `wire_code` does."""

    wire_code = "data"


class EstimationError(RisksetError):
    """The pooled data do not hold an answer to the question asked."""


class RecordsFailed(RisksetError):
    """What a site's own records do not answer, for whatever cause: `reason` is the cause, for the people of the site alone."""

    wire_code = "data"

    def __init__(self, reason: Exception) -> None:
        self.reason = reason
        super().__init__(str(reason) if isinstance(reason, RisksetError) else type(reason).__name__)

    @property
    def for_people(self) -> RisksetError:
        """The reason where it is an error in words, else this."""
        return self.reason if isinstance(self.reason, RisksetError) else self


@contextmanager
def own_records() -> Iterator[None]:
    """Within, a site looks at its own records: whatever fails here raises `RecordsFailed`, so that no two causes differ for others."""
    try:
        yield
    except RecordsFailed:
        raise
    except Exception as reason:
        raise RecordsFailed(reason) from reason


class ContradictionError(EstimationError):
    """Pooled counts that cannot all be true. No other estimation of the run can be trusted either, so it ends."""


class Refusal(RisksetError):
    """A rule said no, and nothing was sent."""

    exit_code = 3


class ApprovalRefusal(Refusal):
    """A plan to which nobody at this site agreed."""

    wire_code = "approval"


class PolicyRefusal(Refusal):
    """A site's own policy, or the plan's disclosure rule, forbids it."""

    wire_code = "policy"


class SignatureRefusal(Refusal):
    """A signature or hash does not fit what it is said to cover."""

    wire_code = "signature"


class RosterRefusal(SignatureRefusal):
    """An offer of the centre brings another roster than the one here; `offered` is its version."""

    def __init__(self, text: str, offered: int) -> None:
        super().__init__(text)
        self.offered = offered


class ProtocolRefusal(Refusal):
    """A message that the secure sum may not answer."""

    wire_code = "protocol"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, or list what there is: the end of every 'unknown name' message."""
    names = sorted(known)
    # Names that differ in capital letters only are the nearest, however short they are.
    near = [each for each in names if each.casefold() == name.casefold()]
    near = near or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None are defined."
