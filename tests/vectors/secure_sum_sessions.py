"""Sessions of SA-1 that must go as written: parties with all their secrets, and every message they exchange."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.vectors import plain_secure_sum as plain

RUN = 7
PLAN = b'{"plan":"two-arm-trial","version":"1.0.0"}'
CODEBOOK = '{"codebook":"two-arm-trial","unit":"patient","variables":{"arm":{"label":"Bras étudié"}}}'.encode()


def secret(what: str) -> bytes:
    """32 bytes that a site would draw at random."""
    return hashlib.sha256(b"riskset test vector " + what.encode()).digest()


def section(analysis: str, name: str, ring: str, *shape: int) -> dict[str, Any]:
    return {"analysis": analysis, "name": name, "ring": ring, "shape": list(shape)}


def trial(site_ids: list[int]) -> dict[str, Any]:
    """A consortium with all its secrets."""
    sites: list[dict[str, Any]] = [
        {
            "site_id": i,
            "name": f"Hôpital {i}",
            "identity_private": secret(f"identity {i}").hex(),
            "ephemeral_private": secret(f"ephemeral {i}").hex(),
            "self_root": secret(f"self root {i}").hex(),
            "snapshot": plain.h(b"snap", secret(f"salt {i}"), secret(f"records {i}")).hex(),
        }
        for i in site_ids
    ]
    members = [
        {
            "site_id": site["site_id"],
            "name": site["name"],
            "study_group": "Nord" if site["site_id"] < 5 else "Süd",
            "public": plain.ed25519_public(bytes.fromhex(site["identity_private"])).hex(),
        }
        for site in sites
    ]
    return {
        "centre_private": secret("centre").hex(),
        "nonce": secret("nonce").hex(),
        "run": RUN,
        "roster": {"version": 1, "members": members},
        "plan": PLAN.decode(),
        "codebook": CODEBOOK.decode(),
        "minimum_sites": min(3, len(sites)),
        "rule": {"profile": "strict", "committee": site_ids, "minimum_sites": 1},
        "sites": sites,
    }


def join(vector: dict[str, Any], committee: list[int] | None = None) -> dict[str, Any]:
    """Offer, ADV and KEYS; returns the header of KEYS."""
    roster, nonce = vector["roster"], bytes.fromhex(vector["nonce"])
    sid = plain.session_id(roster, nonce, PLAN, CODEBOOK)
    headers = [plain.advertisement(site, sid, roster) for site in vector["sites"]]
    keys = plain.keys_header(sid, headers, committee)
    centre = bytes.fromhex(vector["centre_private"])
    vector["offer"] = plain.offer(centre, roster, nonce, PLAN, CODEBOOK, RUN).hex()
    vector["sid"] = sid.hex()
    vector["advertisements"] = [plain.frame(2, header).hex() for header in headers]
    vector["keys"] = plain.from_centre(centre, 3, keys).hex()
    vector["setup_hash"] = plain.setup_hash(keys).hex()
    vector["close"] = plain.close(centre, sid).hex()
    vector["rounds"] = []
    return keys


def ask(
    vector: dict[str, Any],
    keys: dict[str, Any],
    sections: list[dict[str, Any]],
    answers: list[tuple[list[int], list[float]]],
    *,
    sites: list[dict[str, Any]] | None = None,
    lost: tuple[int, ...] = (),
) -> None:
    """REQ, every REP, in a recoverable round UREQ and URES, and the opening. `sites` are the frozen set, `lost` do not report."""
    rounds, asked = vector["rounds"], sites or vector["sites"]
    centre = bytes.fromhex(vector["centre_private"])
    number = len(rounds) + 1
    questions = plain.canonical({"coefficients": [], "round": number})
    participants = [site["site_id"] for site in asked]
    recoverable = bool(keys["committee"]) and not rounds
    header = plain.request_header(
        bytes.fromhex(vector["sid"]),
        number,
        participants,
        sections,
        questions,
        profile="recoverable" if recoverable else "strict",
        after=bytes.fromhex(rounds[-1]["label"]) if rounds else bytes(32),
    )
    label = plain.label_of(keys, header, questions)
    reports = {}
    for site, (counts, reals) in zip(asked, answers, strict=True):
        write = plain.recoverable_report if recoverable else plain.report
        more = {} if recoverable else {"among": participants}
        reports[site["site_id"]] = write(site, keys, label, counts, reals, **more)
    arrived = {i: message for i, message in reports.items() if i not in lost}
    requests, shares = {}, {}
    if recoverable:
        by_id = {site["site_id"]: site for site in vector["sites"]}
        for member in keys["committee"]:
            if member in arrived:
                requests[member] = plain.unmask_request(
                    centre, keys, number, label, member, arrived
                )
                shares[member] = plain.unmask_answer(
                    by_id[member], by_id, keys, label, sorted(arrived)
                )
    opened = plain.opening(centre, keys, number, label, arrived, shares)
    counts, reals = plain.pooled(opened)
    rounds.append(
        {
            "request": plain.from_centre(centre, 4, header, questions).hex(),
            "label": label.hex(),
            "answers": [
                {"counts": counts, "reals": [value.hex() for value in reals]}
                for counts, reals in answers
            ],
            "reports": [message.hex() for message in reports.values()],
            "contributors": sorted(arrived),
            "unmask_requests": {str(i): message.hex() for i, message in requests.items()},
            "unmask_answers": {str(i): message.hex() for i, message in shares.items()},
            "opening": opened.hex(),
            "pooled": {"counts": counts, "reals": [value.hex() for value in reals]},
        }
    )


def three_sites() -> dict[str, Any]:
    """Three sites with numbers that do not follow on one another; counts and reals up to the edges of their rings."""
    vector = trial([2, 7, 4_000_000_000])
    keys = join(vector)
    edge, real_edge = 2**62 // 3 - 1, 2**47 // 3 - 2.0**-7
    sections = [
        section("curve", "events", "counts", 2, 3),
        section("cox", "score", "reals", 2),
        section("curve", "withdrawn", "counts", 1),
        section("cox", "information", "reals", 2, 2),
    ]
    answers: list[tuple[list[int], list[float]]] = [
        ([0, 1, 2, 3, edge, -edge, 5], [0.1, -0.1, real_edge, -real_edge, 1e-9, 5e-324]),
        ([7, 0, 0, 1, edge, -edge, 0], [0.2, 0.1, real_edge, -real_edge, -1e-9, 2.0**-81]),
        (
            [1, 1, 1, 1, edge, -edge, 1],
            [-0.0, 12345.678, real_edge, -real_edge, 3e-25, 1.5 * 2.0**-80],
        ),
    ]
    counts_only = [section("table", "cells", "counts", 3)]
    ask(vector, keys, sections, answers)
    ask(vector, keys, counts_only, [([i, 0, -i], []) for i in range(3)])
    score = [section("cox", "score", "reals", 1)]
    ask(vector, keys, score, [([], [i / 3]) for i in range(3)])
    ask(vector, keys, [], [([], [])] * 3)
    return vector


def one_site() -> dict[str, Any]:
    """A session of one: there is nobody to mask with, so only a minimum of one site allows it."""
    vector = trial([5])
    keys = join(vector)
    sections = [section("curve", "events", "counts", 2), section("cox", "score", "reals", 1)]
    ask(vector, keys, sections, [([3, 4], [0.5])])
    return vector


def six_sites() -> dict[str, Any]:
    """A recoverable session with a committee of five, one of whom is lost before its report; then a round of those who are left."""
    ids = [0, 3, 4, 8, 90, 4_000_000_000]
    vector = trial(ids)
    committee = [0, 3, 8, 90, 4_000_000_000]
    vector["rule"] = {"profile": "recoverable", "committee": committee, "minimum_sites": 3}
    keys = join(vector, committee)
    edge, real_edge = 2**62 // 6 - 1, 2**47 // 6 - 2.0**-7
    sections = [section("curve", "events", "counts", 3), section("cox", "score", "reals", 2)]
    answers: list[tuple[list[int], list[float]]] = [
        ([i, edge, -edge], [i / 3, real_edge]) for i in range(6)
    ]
    ask(vector, keys, sections, answers, lost=(90,))
    left = [site for site in vector["sites"] if site["site_id"] != 90]
    counts_only = [section("table", "cells", "counts", 2)]
    ask(vector, keys, counts_only, [([i, -i], []) for i in range(5)], sites=left)
    return vector
