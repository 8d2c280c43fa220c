"""The schedule: everything that is wanted is computed together, the openings of one depth of all formulas in one.

A node whose result takes openings starts as soon as what it is made of has its shares; random bits start so late that they are there just
in time. An opening of more elements than a slice is cut into several, so that memory is bounded; each has a label of its own, and into each
label goes the list of its parts, which every member derives from plan and earlier openings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from riskset_common.primitives.hashing import H, u32
from riskset_common.secure.blind.arithmetic.field import Elements
from riskset_common.secure.blind.arithmetic.parts import Exact, Part, Revealed, Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening, Steps
from riskset_common.secure.blind.expressions.hidden import Hidden, Local, Stepped

SLICE = 1 << 18
"""Elements of one opening: some 150 MB of a member's memory while it is made."""


def evaluate(
    arithmetic: Arithmetic, wanted: Sequence[Hidden], slice_size: int = SLICE
) -> Opening[list[Elements]]:
    """Shares of each array that is wanted, shape (9, size). Run by every committee member on the same graph."""
    starts = _starts(wanted)
    tasks: list[_Task] = []
    level = 0
    while starts or tasks:
        for task in tasks:
            task.end()
        tasks = [task for task in tasks if not task.ended]
        # Beginning a task forgets what its node is made of, so that shares live no longer than they are needed.
        waiting = _Waiting(tasks, starts.pop(level, []))
        if waiting:
            tasks = yield from _open_in_slices(arithmetic, waiting, slice_size)
        level += 1
    return [share_of(each) for each in wanted]


def depth(wanted: Sequence[Hidden]) -> int:
    """How many openings the arrays take, if no opening is cut."""
    starts = _starts(wanted)
    return max(
        (level + _stepped(node).openings for level, nodes in starts.items() for node in nodes),
        default=0,
    )


def share_of(node: Hidden) -> Elements:
    """The shares of a node of which everything that takes openings is there; made now if they were not."""
    waiting = [node]
    while waiting:
        top = waiting[-1]
        if top.share is not None:
            waiting.pop()
            continue
        if not isinstance(top.recipe, Local):
            raise ValueError("Hidden numbers are used before they are computed.")
        missing = [each for each in top.recipe.args if each.share is None]
        if missing:
            waiting += missing
            continue
        top.share = top.recipe.compute([_held(each) for each in top.recipe.args])
        top.recipe = None
    return _held(node)


def _held(node: Hidden) -> Elements:
    if node.share is None:
        raise ValueError("Hidden numbers are used before they are computed.")
    return node.share


def _stepped(node: Hidden) -> Stepped:
    if not isinstance(node.recipe, Stepped):
        raise ValueError("Only a computation by steps has openings.")
    return node.recipe


def _starts(wanted: Sequence[Hidden]) -> dict[int, list[Hidden]]:
    """By the number of openings before it, the nodes that begin there, each in the order of what it is made of."""
    ready: dict[int, int] = {}
    start: dict[int, int] = {}
    order = list(_in_order(wanted))
    for node in order:
        recipe = node.recipe
        begins = 0
        if recipe is not None:
            begins = max((ready[id(each)] for each in recipe.args if each.share is None), default=0)
        start[id(node)] = begins
        ready[id(node)] = begins + (recipe.openings if isinstance(recipe, Stepped) else 0)
    latest = _just_in_time(order, start)
    found: dict[int, list[Hidden]] = {}
    for node in order:
        if isinstance(node.recipe, Stepped):
            found.setdefault(latest.get(id(node), start[id(node)]), []).append(node)
    return found


def _just_in_time(order: Sequence[Hidden], start: dict[int, int]) -> dict[int, int]:
    """When those begin that need nothing, as late as what is made of them allows."""
    latest: dict[int, int] = {}
    for node in order:
        for each in node.recipe.args if node.recipe is not None else ():
            recipe = each.recipe
            if isinstance(recipe, Stepped) and not recipe.args:
                before = start[id(node)] - recipe.openings
                latest[id(each)] = min(latest.get(id(each), before), before)
    return latest


def _in_order(wanted: Sequence[Hidden]) -> Iterator[Hidden]:
    """Each node without shares once, after all that it is made of."""
    seen: set[int] = set()
    waiting = [(node, False) for node in reversed(wanted)]
    while waiting:
        node, complete = waiting.pop()
        if complete:
            yield node
            continue
        if node.share is not None or node.recipe is None or id(node) in seen:
            continue
        seen.add(id(node))
        waiting.append((node, True))
        waiting += [(each, False) for each in reversed(node.recipe.args)]


@dataclass(eq=False)
class _Task:
    """A node on its way, between two openings."""

    node: Hidden
    left: int
    steps: Steps[Elements]
    opened: list[Elements] | None = None
    ended: bool = False

    @classmethod
    def begun(cls, node: Hidden, arithmetic: Arithmetic) -> _Task:
        """Start with a node; it forgets what it is made of."""
        recipe = _stepped(node)
        steps = recipe.steps(arithmetic, [share_of(each) for each in recipe.args])
        node.recipe = None
        return cls(node, recipe.openings, steps)

    def parts(self) -> Sequence[Part]:
        """What is to be opened next."""
        self.left -= 1
        return next(self.steps) if self.opened is None else self.steps.send(self.opened)

    def end(self) -> None:
        """Give the node its shares, if nothing more is to be opened."""
        if self.left or self.opened is None:
            return
        try:
            self.steps.send(self.opened)
        except StopIteration as end:
            self.node.share, self.ended = end.value, True
            return
        raise ValueError("A computation takes more openings than it said.")


@dataclass(eq=False)
class _Waiting:
    """Who takes part in the openings of one depth: those on their way, and nodes that begin."""

    tasks: list[_Task]
    nodes: list[Hidden]

    def __bool__(self) -> bool:
        return bool(self.tasks or self.nodes)

    def drained(self, arithmetic: Arithmetic) -> Iterator[_Task]:
        """One after another, and begun only when it is its turn."""
        self.tasks.reverse()
        while self.tasks:
            yield self.tasks.pop()
        self.nodes.reverse()
        while self.nodes:
            yield _Task.begun(self.nodes.pop(), arithmetic)


@dataclass(eq=False)
class _Slice:
    """Pieces of parts that are opened together, and where each belongs."""

    pieces: list[Part] = field(default_factory=list)
    places: list[list[Elements]] = field(default_factory=list)
    size: int = 0

    def open(self, arithmetic: Arithmetic) -> Opening[None]:
        """Open the pieces, and start anew."""
        pieces, places = self.pieces, self.places
        self.pieces, self.places, self.size = [], [], 0
        arithmetic.bind(_list_of(pieces))
        for place, found in zip(places, (yield from arithmetic.open(pieces)), strict=True):
            place.append(found)


def _open_in_slices(
    arithmetic: Arithmetic, waiting: _Waiting, slice_size: int
) -> Opening[list[_Task]]:
    """Open what all tasks want next, in as few openings as slices allow."""
    slice_, tasks = _Slice(), []
    results: list[list[list[Elements]]] = []
    for task in waiting.drained(arithmetic):
        tasks.append(task)
        gathered: list[list[Elements]] = []
        results.append(gathered)
        for part in task.parts():
            found: list[Elements] = []
            gathered.append(found)
            for piece in _pieces(part, slice_size, slice_.size):
                slice_.pieces.append(piece)
                slice_.places.append(found)
                slice_.size += piece.share.shape[1]
                if slice_.size >= slice_size:
                    yield from slice_.open(arithmetic)
    if slice_.pieces:
        yield from slice_.open(arithmetic)
    for task, gathered in zip(tasks, results, strict=True):
        task.opened = [_joined(found) for found in gathered]
    return tasks


def _pieces(part: Part, slice_size: int, taken: int) -> Iterator[Part]:
    """A part, cut where a slice is full."""
    n, start = part.share.shape[1], 0
    room = slice_size - taken
    while n - start > room:
        yield part._replace(share=part.share[:, start : start + room])
        start, room = start + room, slice_size
    yield part._replace(share=part.share[:, start:]) if start else part


def _joined(found: list[Elements]) -> Elements:
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


_KINDS: dict[type[Part], int] = {Truncated: 1, Exact: 2, Revealed: 3}


def _list_of(parts: Sequence[Part]) -> bytes:
    """What is hashed of the list of an opening: kind, bits and length of each part."""
    return H(
        b"parts",
        *(
            u32(
                _KINDS[type(part)],
                part.bits if isinstance(part, Truncated) else 0,
                part.share.shape[1],
            )
            for part in parts
        ),
    )
