"""What members have to hide and what they send, and every node of their graphs, gathered while a computation runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pytest

from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import to_integers
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening, open_shares
from riskset_common.secure.blind.expressions.hidden import Hidden

Outcome = TypeVar("Outcome")


class View:
    """By opening, what each member has to hide and what it sends, (9, n); and all members' parts."""

    def __init__(self, committee: Committee, monkeypatch: pytest.MonkeyPatch):
        self.committee = committee
        self.hiding: list[list] = []
        self.sent: list[list] = []
        self.parts: list[Sequence] = []
        plain = Arithmetic._masked
        seen: dict[bytes, list] = {}

        def remembered(member, parts):
            result = plain(member, parts)
            group = seen.setdefault(member.label, [])
            group.append((np.concatenate([p.share for p in parts], axis=1), result[0]))
            if len(group) == committee.size:
                self.hiding.append([hidden for hidden, _ in group])
                self.sent.append([sent for _, sent in group])
                self.parts.append(parts)
            return result

        monkeypatch.setattr(Arithmetic, "_masked", remembered)

    def largest_before_truncation(self) -> int:
        """Of all products that were truncated, put together from what all members have to hide."""
        largest = 0
        for hiding, parts in zip(self.hiding, self.parts, strict=True):
            numbers, start = to_integers(open_shares(self.committee, hiding)), 0
            for part in parts:
                end = start + part.share.shape[1]
                if isinstance(part, Truncated):
                    largest = max(largest, *(abs(x) for x in numbers[start:end]), 0)
                start = end
        return largest


class Nodes:
    """Every node that gets its shares, by member, in the order of the members' own graphs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.held: dict[int, list[Hidden]] = {}
        self.at_work = 0
        plain = Hidden.__setattr__

        def remembered(node, name, value):
            plain(node, name, value)
            if name == "share" and value is not None and not getattr(node, "public", True):
                self.held.setdefault(self.at_work, []).append(node)

        monkeypatch.setattr(Hidden, "__setattr__", remembered)

    def watched(self, member: Arithmetic, computation: Opening[Outcome]) -> Opening[Outcome]:
        """The same computation; what gets its shares in it is this member's."""
        masked = self._resumed(member, lambda: next(computation))
        while masked is not None:
            opened = yield masked
            masked = self._resumed(member, lambda x=opened: computation.send(x))
        outcome: Outcome = self.outcome
        return outcome

    def _resumed(self, member, resume):
        self.at_work = member.member
        try:
            return resume()
        except StopIteration as end:
            self.outcome = end.value
            return None

    def check(self, committee: Committee) -> int:
        """Put each node together from all members' shares, and hold it to its bounds; returns how many there were."""
        checked = 0
        for nodes in zip(*self.held.values(), strict=True):
            first = nodes[0]
            shares = [each.share for each in nodes if each.share is not None]
            numbers = to_integers(open_shares(committee, shares))
            found = [x / 2.0**first.bits for x in numbers]
            slack = 2.0**-40 * max(first.interval.size, 1.0)

            assert min(found, default=first.interval.highest) >= first.interval.lowest - slack
            assert max(found, default=first.interval.lowest) <= first.interval.highest + slack
            checked += 1
        return checked
