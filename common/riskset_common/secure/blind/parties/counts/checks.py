"""A member's checks of each site's upload by itself, before anything is added up, compared or opened of the sums.

Of each site two numbers are opened, both 0 if its upload is as it must be:

    sum of c_j b_j (b_j - 1),        sum of u_r (sum of the numbers of equation r, less what it gives),

over its bits b_j and the equations r between its numbers. c_j, of 128 bits, and u_r follow from a hash over all uploads, so that no site
can choose its own after it knows them. What is opened of a site depends on its own upload alone.

Without these checks a site that adds 2^150 to its upload lets one member that follows the protocol read the others' numbers, because what
is opened hides only what fits under its mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H
from riskset_common.primitives.prime_field import P
from riskset_common.release.program import Opened
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    Words,
    add,
    combination,
    constant,
    from_integers,
    from_words,
    inner,
    multiply,
    subtract,
    to_words,
    zeros,
)
from riskset_common.secure.blind.arithmetic.random_shares import (
    SubsetKeys,
    short_from_bytes,
    short_words,
    stream_words,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.equations import Combination, n_places
from riskset_common.secure.blind.parties.counts.uploads import Upload
from riskset_common.secure.blind.parties.keys import MemberKeys
from riskset_common.wire.blind_messages import BlindBits


class UploadCheck:
    """The two tests of one upload, under the label that binds all sites' uploads."""

    def __init__(self, upload: Upload, label: bytes) -> None:
        seed, layout = H(b"counts-check", label), upload.layout
        self.upload = upload
        self._of_bits = from_words(stream_words(seed, b"bits", label, layout.length)[:2])
        n = n_places(layout, upload.equations)
        random = from_words(stream_words(seed, b"sums", label, n))
        self._of_sums = Combination(layout, upload.equations, random)

    def of(
        self,
        committee: Committee,
        body: Words,
        streams: Sequence[tuple[int, Words]],
        pooled: Elements,
    ) -> Elements:
        """A member's shares of one site's two numbers, shape (9, 2); its shares of the site's numbers are added to `pooled`.

        All is computed in units of the committee's denominator d, by which the weights f_A(i) of the masks are small whole numbers:
        (d b)(d b - d) is d^2 b (b - 1). `pooled` is in these units as well.

        Parameters
        ----------
        body
            What the site sent, shape (2, bits).
        streams
            For each of the member's keys of this site d f_A(i), and its short stream, shape (2, bits).
        pooled
            Shape (9, numbers).
        """
        d = committee.denominator
        of_bits, of_sums = zeros(), zeros()
        for batch in self.upload.layout.batches:
            terms = [(-factor, from_words(words[:, batch.bits])) for factor, words in streams]
            bits = combination([(d, from_words(body[:, batch.bits])), *terms])
            excess = multiply(bits, subtract(bits, constant(d)))
            of_bits = add(of_bits, inner(excess, self._of_bits[:, batch.bits]))
            numbers = batch.layout.numbers_of(bits, d)
            of_sums = add(of_sums, self._of_sums.of(numbers, batch.numbers))
            pooled[:, batch.numbers] = add(pooled[:, batch.numbers], numbers)
        found = np.stack([of_bits, of_sums], axis=1)
        units = from_integers([pow(d, -2, P), pow(d, -1, P)])
        nothing = np.stack([zeros(), self._of_sums.constant], axis=1)
        return subtract(multiply(found, units), nothing)


def checked(
    arithmetic: Arithmetic,
    keys: MemberKeys,
    upload: Upload,
    label: bytes,
    inputs: Sequence[BlindBits],
) -> Opening[tuple[Opened, Elements]]:
    """Test every site's upload. One opening.

    Gives 1 for each test that failed, shape (2 n_sites,), those of bits first, and this member's shares of the sums of all numbers over
    all sites, shape (9, numbers).

    Parameters
    ----------
    label
        Under which the sites masked.
    inputs
        What all participants sent, in their order; their signatures are checked.
    """
    check, layout = UploadCheck(upload, arithmetic.label), upload.layout
    pooled, found = zeros(layout.n_numbers), []
    for message in inputs:
        streams = _streams(arithmetic, keys.inputs[message.site_id], label, layout.length)
        body = short_from_bytes(message.body)
        found.append(check.of(arithmetic.committee, body, streams, pooled))
    both = np.stack(found, axis=2).reshape(LIMBS, 2 * len(found))
    opened = yield from arithmetic.reveal(both)
    failed = np.any(to_words(opened) != 0, axis=0).astype(np.int64)
    return failed, multiply(pooled, constant(pow(arithmetic.committee.denominator, -1, P)))


def require_passed(setup: CountSetup, upload: int, failed: Opened) -> None:
    """Raise `ProtocolRefusal` with the names of the sites whose uploads failed a test, shape (2 n_sites,)."""
    names = [setup.roster.name(site_id) for site_id in setup.participants]
    of_bits, of_sums = np.reshape(failed, (2, len(names))) != 0
    said = []
    for name, bits, sums in zip(names, of_bits, of_sums, strict=True):
        if bits:
            said.append(f"of {name!r} what should be bits is not all 0 or 1")
        elif sums:
            said.append(f"of {name!r} sums that must be equal differ")
    if said:
        raise ProtocolRefusal(
            f"Upload {upload} of the counts fails its test: {'; '.join(said)}. The run ends, and nothing was computed of any number. "
            "Compare the release of riskset at the site with the others', then start a new run; if it fails again, leave the site out."
        )


def _streams(
    arithmetic: Arithmetic, keys: SubsetKeys, label: bytes, length: int
) -> list[tuple[int, Words]]:
    committee, member = arithmetic.committee, arithmetic.member
    return [
        (committee.numerator(subset, member), short_words(key, b"input", label, length))
        for subset, key in keys.items()
    ]
