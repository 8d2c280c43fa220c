"""A small calculator on shares, which adds up and opens: enough for programs that add up and ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.release.blank import Unseen
from riskset_common.release.program import Ask, Opened, Opens
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    constant,
    from_integers,
    multiply,
    to_integers,
    total,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.survival.arrays.calculator import Numbers


class Shared(Numbers):
    def __init__(self, elements: Elements):
        self.elements = elements

    @property
    def shape(self):
        return self.elements.shape[1:]

    def __add__(self, other):
        if isinstance(other, Shared):
            return Shared(add(self.elements, other.elements))
        return Shared(add(self.elements, constant(int(other)).reshape(9, *(1,) * len(self.shape))))

    def __mul__(self, other):
        flat = multiply(self.elements.reshape(9, -1), constant(int(other)))
        return Shared(flat.reshape(self.elements.shape))

    def __getitem__(self, cut):
        cuts = cut if isinstance(cut, tuple) else (cut,)
        return Shared(self.elements[(slice(None), *cuts)])

    def reshape(self, *shape):
        return Shared(self.elements.reshape(9, *np.empty(self.shape).reshape(shape).shape))

    def transpose(self, *axes):
        return Shared(self.elements.transpose(0, *(axis + 1 for axis in axes)))

    def broadcast_to(self, *shape):
        return Shared(np.broadcast_to(self.elements, (9, *shape)))

    def total(self, axis=-1):
        return Shared(total(self.elements, axis if axis < 0 else axis + 1))

    def running_total(self):
        raise NotImplementedError


class AddsUp(Unseen):
    """Everything but sums is left out; a wave opens the numbers that it asks about."""

    def __init__(self, arithmetic: Arithmetic):
        self.arithmetic = arithmetic

    def hidden(self, share, shape, largest, fraction_bits=0):
        del largest, fraction_bits
        return Shared(share.reshape(9, *shape))

    def answered(self, asks: Sequence[Ask]) -> Opening[list[Opened]]:
        flat = [ask.x.elements.reshape(9, -1) for ask in asks]
        opened = yield from self.arithmetic.reveal(
            np.concatenate([from_integers([7]), *flat], axis=1)
        )
        values = np.array(to_integers(opened)[1:], dtype=np.int64)
        answers = []
        for ask in asks:
            size = int(np.prod(ask.x.shape, dtype=np.int64))
            own, values = values[:size].reshape(ask.x.shape), values[size:]
            if not isinstance(ask, Opens):
                own = np.any((own >= ask.lowest) & (own <= ask.highest), axis=-1).astype(np.int64)
            answers.append(own)
        return answers
