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
    └── Refusal               a rule said no; nothing was sent                   exit 3
        ├── PolicyRefusal     a site's policy or the plan's disclosure rule
        ├── SignatureRefusal  a signature or hash that does not fit
        └── ProtocolRefusal   a message that the secure sum may not answer

An error is read by the person who can act on it, on the machine where it arose: it says what, where, what was found and what to do.
Nothing but `wire_code`, a fixed noun, is ever sent to another party, because a text could carry a patient's value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class RisksetError(Exception):
    """The root. `exit_code` is what a command ends with; `wire_code` is all that another party learns."""

    exit_code: ClassVar[int] = 1
    wire_code: ClassVar[str] = "failed"


class InputError(RisksetError):
    """A file or table that a person can mend."""

    wire_code = "input"


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

    wire_code = "node_config"


class DataError(InputError):
    """Patient records that cannot be used as they are. Never leaves the site; only its `wire_code` does."""

    wire_code = "data"


class EstimationError(RisksetError):
    """The pooled data do not hold an answer to the question asked."""

    wire_code = "estimation"


class ContradictionError(EstimationError):
    """Pooled counts that cannot all be true. No other estimation of the run can be trusted either, so it ends."""


class Refusal(RisksetError):
    """A rule said no, and nothing was sent."""

    exit_code = 3
    wire_code = "refused"


class PolicyRefusal(Refusal):
    """A site's own policy, or the plan's disclosure rule, forbids it."""

    wire_code = "policy"


class SignatureRefusal(Refusal):
    """A signature or hash does not fit what it is said to cover."""

    wire_code = "signature"


class ProtocolRefusal(Refusal):
    """A message that the secure sum may not answer."""

    wire_code = "protocol"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, or list what there is: the end of every 'unknown name' message."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None are defined."
