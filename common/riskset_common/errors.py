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
import re
from collections.abc import Iterable, Iterator, Sequence
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


_LISTED = 60
"""Known names that a message lists at most."""

_SHORT = 4
"""A name of fewer letters is a code: another letter makes it another code."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, or list what there is: the end of every 'unknown name' message."""
    return did_you_mean_each([name], known)


def did_you_mean_each(names: Sequence[str], known: Iterable[str]) -> str:
    """The same for several unknown names: a near name for each that has one, and what there is once if any has none."""
    all_known = sorted(known)
    near = {name: found for name in names if (found := _nearest(name, all_known))}
    said = []
    if len(names) == 1 and near:
        said.append(f"Did you mean {near[names[0]]!r}?")
    elif near:
        said.append(
            f"Did you mean {', '.join(f'{found!r} by {name!r}' for name, found in near.items())}?"
        )
    if len(near) < len(names):
        more = f" and {len(all_known) - _LISTED} more" if len(all_known) > _LISTED else ""
        listed = ", ".join(all_known[:_LISTED])
        said.append(f"Known: {listed}{more}." if all_known else "None are defined.")
    return " ".join(said)


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant; none that is another code rather than this one misspelt."""
    plain = _plain(name)
    alike = [other for other in known if _plain(other) == plain]
    near = alike or [
        other
        for other in difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        if not _is_another_code(name, other)
    ]
    return near[0] if near else None


def _plain(name: str) -> str:
    """The name without what is easily mistyped: capital letters and signs between words."""
    return re.sub(r"[\s_.-]+", "", name).casefold()


def _is_another_code(name: str, other: str) -> bool:
    """Whether one of two names is no misspelling of the other: short ones with another letter in one place, and ones with other digits."""
    same_letters = sorted(name.casefold()) == sorted(other.casefold())
    if len(name) == len(other) < _SHORT:
        return not same_letters
    digits = re.findall(r"\d", name) != re.findall(r"\d", other)
    return digits and re.sub(r"\d", "", name) == re.sub(r"\d", "", other)
