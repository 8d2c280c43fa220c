"""What masking costs beside the bare key stream it is made of: AES-256-CTR of the same library, in pieces of the same size.

Run it with ``python tests/benchmarks/bench_masking.py``. It prints nanoseconds for each number and each key, then what a whole report
costs a site in sessions of 18, 200 and 1,000 sites, and what opening a round costs the centre when sites are lost; each beside the
bare streams that it cannot do without.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from tests.benchmarks.machine import describe, timed
from tests.common.secure.sums.whole_round import open_round

from riskset_common.consortium.roster import Member, Roster
from riskset_common.primitives.masks import CHUNK, add_masks
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import collect_keys, make_request
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import rule_for
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    SiteSession,
    accept_keys,
    advertise,
)
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.messages import Report
from riskset_common.wire.sections import Section

NUMBERS = 100_000
KEYS = [bytes([number]) * 32 for number in range(17)]  # the peers of one of 18 sites
REPEATS = 40
AIM = 1.3


def bare_streams(n_bytes: int, piece: int, keys: Sequence[bytes] = KEYS) -> Callable[[], None]:
    """Make all streams and throw them away."""
    zeros, buffer = memoryview(bytes(piece)), bytearray(piece + 16)

    def run() -> None:
        for key in keys:
            cipher = Cipher(AES256(key), CTR(bytes(16))).encryptor()
            for start in range(0, n_bytes, piece):
                cipher.update_into(zeros[: min(piece, n_bytes - start)], buffer)

    return run


def nanoseconds(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Best time for each number and key. The sides take turns, so that a busy machine is busy for both."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: seconds / (NUMBERS * len(KEYS)) * 1e9 for name, seconds in best.items()}


def check_that_masks_are_the_stream() -> None:
    """Both sides of the comparison make the same bytes."""
    counts = np.zeros(NUMBERS, np.uint64)
    add_masks(counts, np.zeros((2, 0), np.uint64), KEYS[:1])
    stream = Cipher(AES256(KEYS[0]), CTR(bytes(16))).encryptor().update(bytes(8 * NUMBERS))
    if counts.tobytes() != stream:
        sys.exit("The masks are not the key stream; the comparison would say nothing.")


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


class Session:
    """A session of n sites with the committee that its size calls for, set up as far as the sites that are measured need it."""

    def __init__(self, n_sites: int, measured: Sequence[int]) -> None:
        self.identities = [Identity.from_random(secret("identity", i)) for i in range(n_sites)]
        members = tuple(
            Member(site_id=i, name=f"site {i}", study_group="north", public=identity.public)
            for i, identity in enumerate(self.identities)
        )
        self.roster = Roster(version=1, members=members)
        committee = None if n_sites <= 50 else range(31)
        rule = rule_for(self.roster, committee=committee)
        sid = secret("sid")
        joined = [
            advertise(
                identity,
                i,
                sid,
                SessionSecrets(secret("ephemeral", i), secret("root", i)),
                secret("snapshot"),
                self.roster,
            )
            for i, identity in enumerate(self.identities)
        ]
        advertised = [advertisement for _, advertisement in joined]
        self.centre = Identity.from_random(secret("centre"))
        self.setup, keys = collect_keys(self.centre, sid, self.roster, advertised, rule)
        self.states = {
            i: accept_keys(joined[i][0], keys, rule=rule, minimum_sites=1) for i in measured
        }
        sections = [
            Section(analysis="a", name="counts", ring="counts", shape=(NUMBERS,)),
            Section(analysis="a", name="reals", ring="reals", shape=(NUMBERS,)),
        ]
        self.request = make_request(self.centre, self.setup, None, 1, NO_ROUND, sections, b"{}")
        self.numbers = np.arange(NUMBERS, dtype=np.int64), np.linspace(-1.0, 1.0, NUMBERS)

    def report(self, site_id: int) -> tuple[SiteSession, Report]:
        return report(
            self.states[site_id], self.request, *self.numbers, identity=self.identities[site_id]
        )


def best_of(repeats: int, *runs: Callable[[], object]) -> list[float]:
    """Best seconds of each; they take turns."""
    best = [float("inf")] * len(runs)
    for _ in range(repeats):
        for k, run in enumerate(runs):
            best[k] = min(best[k], timed(run)[0])
    return best


def cost_of_a_report() -> None:
    """One site's whole first report: encode, mask, share out, seal, sign; beside the bare streams of its peers."""
    print(f"\na report of {NUMBERS:,} counts and {NUMBERS:,} reals, one site; ms, best of 3")
    print(
        f"{'sites':>6}{'peers':>7}{'committee':>11}{'report':>9}{'bare AES':>10}{'ratio':>7}{'deposits kB':>13}"
    )
    for n_sites in (18, 200, 1000):
        session = Session(n_sites, [0])
        peers = session.setup.terms.degree
        keys = [secret("stream", k) for k in range(peers + 1)]
        took, bare = best_of(
            3, partial(session.report, 0), bare_streams(24 * NUMBERS, 8 * CHUNK, keys)
        )
        deposits = session.report(0)[1].deposits_length
        print(
            f"{n_sites:>6}{peers:>7}{len(session.setup.terms.committee):>11}{took * 1e3:>9.1f}{bare * 1e3:>10.1f}"
            f"{took / bare:>7.2f}{deposits / 1e3:>13.1f}"
        )


def cost_of_an_opening() -> None:
    """The centre's side of a first round of 18 sites, and one member's answer, with 0, 1 and as many lost as can be (5)."""
    n_sites = 18
    session = Session(n_sites, range(n_sites))
    states, reports = {}, {}
    for i in range(n_sites):
        states[i], reports[i] = session.report(i)
    print(f"\nopening {NUMBERS:,} counts and {NUMBERS:,} reals of {n_sites} sites; ms, best of 5")
    print(
        f"{'lost':>6}{'streams':>9}{'centre':>9}{'bare AES':>10}{'ratio':>7}{'a member':>10}{'its request kB':>16}"
    )
    for lost in (0, 1, 5):
        arrived = {i: each for i, each in reports.items() if i >= lost}
        wanted = unmask_requests(session.centre, session.setup, session.request, arrived)
        answers = [
            answer_unmask(states[i], asked, identity=session.identities[i])[1]
            for i, asked in wanted.items()
        ]
        streams = len(arrived) * (1 + lost)
        keys = [secret("stream", k) for k in range(streams)]
        member, asked = max(wanted.items())
        centre, bare, one = best_of(
            5,
            partial(
                open_round,
                session.centre,
                session.setup,
                None,
                session.roster,
                session.request,
                arrived.values(),
                answers,
            ),
            bare_streams(24 * NUMBERS, 8 * CHUNK, keys),
            partial(answer_unmask, states[member], asked, identity=session.identities[member]),
        )
        print(
            f"{lost:>6}{streams:>9}{centre * 1e3:>9.1f}{bare * 1e3:>10.1f}{centre / bare:>7.2f}"
            f"{one * 1e3:>10.1f}{len(asked.to_bytes()) / 1e3:>16.1f}"
        )


def main() -> None:
    check_that_masks_are_the_stream()
    print(describe("numpy", "cryptography"))
    print(f"{NUMBERS:,} numbers, {len(KEYS)} keys, best of {REPEATS}; ns for each number and key\n")
    print(f"{'ring':<16}{'masking':>9}{'bare AES':>10}{'ratio':>7}   aim <= {AIM}")
    no_counts, no_reals = np.zeros(0, np.uint64), np.zeros((2, 0), np.uint64)
    counts, reals = np.zeros(NUMBERS, np.uint64), np.zeros((2, NUMBERS), np.uint64)
    for ring, n_bytes, run in (
        ("counts, Z/2^64", 8 * NUMBERS, lambda: add_masks(counts, no_reals, KEYS)),
        ("reals, Z/2^128", 16 * NUMBERS, lambda: add_masks(no_counts, reals, KEYS)),
    ):
        took = nanoseconds({"masking": run, "bare": bare_streams(n_bytes, 8 * CHUNK)})
        ratio = took["masking"] / took["bare"]
        print(f"{ring:<16}{took['masking']:>9.2f}{took['bare']:>10.2f}{ratio:>7.2f}")
    cost_of_a_report()
    cost_of_an_opening()


if __name__ == "__main__":
    main()
