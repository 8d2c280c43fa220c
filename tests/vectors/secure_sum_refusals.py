"""Steps of SA-1 that must be refused, each a change of the session with three sites."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from tests.vectors import plain_secure_sum as plain
from tests.vectors.secure_sum_sessions import CODEBOOK, PLAN, RUN, secret, trial


def step(operation: str, site: int | None = None, **more: Any) -> dict[str, Any]:
    """A step that must succeed. `site` is a position in the list of sites."""
    return (
        {"operation": operation, "success": True} | ({} if site is None else {"site": site}) | more
    )


def refused(refusal: str, says: str, step: dict[str, Any]) -> dict[str, Any]:
    """The same step, which must be refused with this error, whose text holds these words."""
    return step | {"success": False, "refusal": refusal, "says": says}


def changed(message: str, change: Any) -> str:
    """The message with a changed header; whoever signed it, signed another."""
    raw = bytes.fromhex(message)
    header, body = plain.unframe(raw)
    header = copy.deepcopy(header)
    change(header)
    return plain.frame(raw[3], header, body).hex()


def said(kind: int, header: dict[str, Any], body: bytes = b"") -> str:
    """A message that the centre signed, whatever it says."""
    return plain.from_centre(secret("centre"), kind, header, body).hex()


def said_otherwise(message: str, change: Any) -> str:
    """The message with a changed header, signed by the centre."""
    raw = bytes.fromhex(changed(message, change))
    return said(raw[3], *plain.unframe(raw))


def flipped(text: str) -> str:
    """The same hexadecimal text with its first digit changed."""
    return format(int(text[0], 16) ^ 1, "x") + text[1:]


def bad_offers(good: dict[str, Any]) -> dict[str, Any]:
    def with_signature(header: dict[str, Any]) -> None:
        header["signature"] = flipped(header["signature"])

    def with_nonce(header: dict[str, Any]) -> None:
        header["nonce"] = flipped(header["nonce"])

    def with_renamed_site(header: dict[str, Any]) -> None:
        header["roster"]["members"][0]["name"] = "Hôpital 3"

    other = plain.offer(
        secret("another centre"), good["roster"], bytes.fromhex(good["nonce"]), PLAN, CODEBOOK, RUN
    ).hex()
    plan = bytes.fromhex(good["offer"]).replace(b"1.0.0", b"1.0.1").hex()
    spaced = (
        bytes.fromhex(good["offer"]).replace(b',"version":"1.0.0"', b', "version":"1.0.0').hex()
    )
    says = "does not fit its content"
    return {
        name: [refused(error, words, step("open_offer", 0, message=message))]
        for name, error, words, message in (
            ("offer_signature", "SignatureRefusal", says, changed(good["offer"], with_signature)),
            ("offer_nonce", "SignatureRefusal", says, changed(good["offer"], with_nonce)),
            ("offer_plan", "SignatureRefusal", says, plan),
            ("offer_plan_not_canonical", "ProtocolRefusal", "The plan of a message", spaced),
            (
                "offer_roster",
                "RosterRefusal",
                "not the one this site trusts",
                said_otherwise(good["offer"], with_renamed_site),
            ),
            (
                "offer_of_another_centre",
                "SignatureRefusal",
                "another key than that of the centre",
                other,
            ),
        )
    }


def not_the_centres(good: dict[str, Any]) -> dict[str, Any]:
    """Messages that are not as the centre signed them: a site drops each, whatever kind it is."""
    first = good["rounds"][0]
    messages = {
        "offer": good["offer"],
        "keys": good["keys"],
        "round_request": first["request"],
        "unmask_request": first["unmask_requests"]["0"],
        "opening": first["opening"],
        "close": good["close"],
    }
    stranger = secret("another centre")

    def unsigned(header: dict[str, Any]) -> None:
        header["signature"] = "00" * 64

    def other(name: str, header: dict[str, Any]) -> None:
        field = {"offer": "nonce"}.get(name, "sid")
        header[field] = flipped(header[field])

    def drop(message: str) -> dict[str, Any]:
        return refused(
            "SignatureRefusal", "does not fit its content", step("from_centre", message=message)
        )

    cases: dict[str, Any] = {}
    for name, message in messages.items():
        raw = bytes.fromhex(message)
        by_stranger = plain.from_centre(stranger, raw[3], *plain.unframe(raw)).hex()
        body_changed = raw[:-1] + bytes([raw[-1] ^ 1])
        cases[f"{name}_as_signed"] = [step("from_centre", message=message)]
        cases[f"{name}_unsigned"] = [drop(changed(message, unsigned))]
        cases[f"{name}_of_another_centre"] = [drop(by_stranger)]
        cases[f"{name}_header_changed"] = [
            drop(changed(message, lambda header, name=name: other(name, header)))
        ]
        if name in ("unmask_request", "opening"):
            cases[f"{name}_body_changed"] = [drop(body_changed.hex())]
    return cases


def bad_keys(good: dict[str, Any]) -> dict[str, Any]:
    sid, roster, sites = bytes.fromhex(good["sid"]), good["roster"], good["sites"]
    stranger = trial([9])["sites"][0]
    again = sites[1] | {"ephemeral_private": secret("ephemeral 7 again").hex()}
    same_key = sites[1] | {"ephemeral_private": sites[2]["ephemeral_private"]}
    own_new = sites[0] | {"ephemeral_private": secret("ephemeral 2 again").hex()}

    def keys(*chosen: dict[str, Any]) -> dict[str, Any]:
        return plain.keys_header(sid, [plain.advertisement(site, sid, roster) for site in chosen])

    def low_order() -> dict[str, Any]:
        """Site 7 advertises, and duly signs, the point 0, with which every secret is 0."""
        header, snapshot = keys(*sites), bytes.fromhex(sites[1]["snapshot"])
        statement = plain.h(sid, plain.u32(7), bytes(32), plain.roster_hash(roster), snapshot)
        signature = plain.sign(
            bytes.fromhex(sites[1]["identity_private"]), b"riskset/sa1/adv" + statement
        )
        header["advertisements"][1] |= {"ephemeral": bytes(32).hex(), "signature": signature.hex()}
        return header

    def other_session() -> dict[str, Any]:
        other = secret("another session")
        return plain.keys_header(
            other, [plain.advertisement(site, other, roster) for site in sites]
        )

    forged = keys(*sites)
    forged["advertisements"][1]["ephemeral"] = plain.x25519_public(secret("in the middle")).hex()
    mixed = keys(*sites)
    mixed["advertisements"][1] = other_session()["advertisements"][1]
    protocol = "ProtocolRefusal"
    cases = (
        ("keys_forged", "SignatureRefusal", "the session key of site 'Hôpital 7'", forged),
        (
            "keys_of_a_stranger",
            protocol,
            "Site number 9 is not in roster",
            keys(*sites[:2], stranger),
        ),
        (
            "keys_site_twice",
            protocol,
            "stands in the list of keys twice",
            keys(sites[0], sites[1], again, sites[2]),
        ),
        (
            "keys_same_key_twice",
            protocol,
            "have the same session key",
            keys(sites[0], same_key, sites[2]),
        ),
        ("keys_out_of_order", protocol, "not in the order", keys(sites[1], sites[0], sites[2])),
        (
            "keys_own_key_replaced",
            protocol,
            "does not hold the session key",
            keys(own_new, *sites[1:]),
        ),
        ("keys_own_key_missing", protocol, "does not hold the session key", keys(*sites[1:])),
        ("keys_too_few_sites", protocol, "sums over 3 or more only", keys(*sites[:2])),
        ("keys_low_order_point", protocol, "a point of low order", low_order()),
        ("keys_of_another_session", protocol, "belong to another session", other_session()),
        ("keys_mixed_sessions", protocol, "joins another session", mixed),
        (
            "keys_with_committee",
            protocol,
            "The committee of the session is",
            keys(*sites) | {"committee": [2], "threshold": 1},
        ),
        ("keys_with_threshold", protocol, "The threshold of", keys(*sites) | {"threshold": 3}),
        ("keys_sparse", protocol, "The degree of the session is 1", keys(*sites) | {"degree": 1}),
    )
    # A site that is missing from the list sees the list's length only where its own policy allows it.
    few = {"keys_own_key_missing": {"minimum_sites": 2}}
    vectors = {
        name: [
            refused(
                error,
                words,
                step("accept_keys", 0, message=said(3, header), **few.get(name, {})),
            )
        ]
        for name, error, words, header in cases
    }
    vectors["keys_second_set"] = [
        step("accept_keys", 0, message=good["keys"]),
        step("accept_keys", 0, message=good["keys"]),
        refused(
            protocol,
            "other keys than those this site accepted",
            step("accept_keys", 0, message=said(3, keys(sites[0], again, sites[2]))),
        ),
    ]
    return vectors


def bad_rounds(good: dict[str, Any]) -> dict[str, Any]:
    first, accepted = good["rounds"][0], step("accept_keys", 0, message=good["keys"])
    counts, reals = first["answers"][0]["counts"], first["answers"][0]["reals"]

    def answer(site: int = 0, **more: Any) -> dict[str, Any]:
        asked = {"message": first["request"], "counts": counts, "reals": reals}
        return step("report", site, **(asked | more))

    def request(**fields: Any) -> str:
        return said_otherwise(first["request"], lambda header: header.update(fields))

    def other_numbers(position: int, value: int) -> list[int]:
        return [value if k == position else count for k, count in enumerate(counts)]

    protocol, frozen = "ProtocolRefusal", "The set is frozen"
    once = "was already answered"
    body = plain.canonical({"coefficients": [0], "round": 1})
    header = plain.unframe(bytes.fromhex(first["request"]))[0] | {"questions_length": len(body)}
    other_question = said(4, header, body)
    ids = [site["site_id"] for site in good["sites"]]
    large, nan = other_numbers(4, 2**62 // 3), [*reals[:-1], "nan"]
    return {
        "round_before_keys": [refused(protocol, "before the keys", answer())],
        "round_without_a_site": [
            accepted,
            refused(protocol, frozen, answer(message=request(participants=ids[:2]))),
        ],
        "round_out_of_order": [
            accepted,
            refused(protocol, frozen, answer(message=request(participants=ids[::-1]))),
        ],
        "round_of_another_session": [
            accepted,
            refused(protocol, "another session", answer(message=request(sid=secret("x").hex()))),
        ],
        "round_other_question": [
            accepted,
            answer(),
            answer(),
            refused(protocol, once, answer(message=other_question)),
        ],
        "round_after_another": [
            accepted,
            refused(
                protocol, "does not follow on", answer(message=request(after=secret("x").hex()))
            ),
        ],
        "round_left_out": [
            accepted,
            refused(protocol, "does not follow on", answer(message=request(round=2))),
        ],
        "round_with_recovery": [
            accepted,
            refused(protocol, "must be strict", answer(message=request(profile="recoverable"))),
        ],
        "round_other_attempt": [
            accepted,
            answer(),
            refused(protocol, once, answer(message=request(attempt=1))),
        ],
        "round_repeated_after_another": [
            accepted,
            answer(),
            refused(protocol, once, answer(message=request(after=secret("x").hex()))),
        ],
        "round_wrong_length": [
            accepted,
            refused(protocol, "asks for 7 counts and 6 reals", answer(counts=counts[:-1])),
        ],
        "round_count_too_large": [
            accepted,
            refused("EstimationError", "A count is too large", answer(counts=large)),
        ],
        "round_not_a_number": [
            accepted,
            refused("EstimationError", "not a number", answer(reals=nan)),
        ],
    }


def bad_reports(good: dict[str, Any]) -> dict[str, Any]:
    first, second, sites = good["rounds"][0], good["rounds"][1], good["sites"]
    reports, label = first["reports"], bytes.fromhex(first["label"])

    def pool(*messages: str) -> dict[str, Any]:
        return step("pool", request=first["request"], reports=list(messages))

    def signature(header: dict[str, Any]) -> None:
        header["signature"] = flipped(header["signature"])

    def other_site(header: dict[str, Any]) -> None:
        header["site_id"] = sites[1]["site_id"]

    noise = plain.signed_report(sites[0], label, [2**63] * 7, [0] * 6).hex()
    short = plain.signed_report(sites[0], label, [1] * 6, [0] * 6).hex()
    stranger = plain.signed_report(trial([9])["sites"][0], label, [1] * 7, [0] * 6).hex()
    body = bytearray.fromhex(reports[0])
    body[-1] ^= 1
    deposits = plain.signed_report(sites[0], label, [1] * 7, [0] * 6, bytes(48), [bytes(32)]).hex()
    protocol, unfit = "ProtocolRefusal", "the report of site"
    return {
        "pool_missing_site": [
            refused(protocol, "waits for 1 of 3 sites: Hôpital 7.", pool(reports[0], reports[2]))
        ],
        "pool_missing_all": [
            refused(protocol, "Hôpital 2, Hôpital 7, Hôpital 4000000000.", pool())
        ],
        "pool_site_twice": [refused(protocol, "in the sum twice", pool(reports[0], *reports))],
        "pool_other_round": [
            refused(protocol, "answered another question", pool(second["reports"][0], *reports[1:]))
        ],
        "pool_signature": [
            refused("SignatureRefusal", unfit, pool(changed(reports[0], signature), *reports[1:]))
        ],
        "pool_body_changed": [refused("SignatureRefusal", unfit, pool(body.hex(), *reports[1:]))],
        "pool_in_anothers_name": [
            refused("SignatureRefusal", unfit, pool(changed(reports[0], other_site), *reports[1:]))
        ],
        "pool_stranger": [
            refused(protocol, "Site number 9 is not in roster", pool(stranger, *reports[1:]))
        ],
        "pool_wrong_length": [
            refused(protocol, "holds 6 counts and 6 reals", pool(short, *reports[1:]))
        ],
        "pool_with_deposits": [
            refused(protocol, "48 bytes of deposits", pool(deposits, *reports[1:]))
        ],
        "pool_masks_left": [refused(protocol, "masks did not cancel", pool(noise, *reports[1:]))],
    }


def bad_frames(good: dict[str, Any]) -> dict[str, Any]:
    adv, request = (
        bytes.fromhex(good["advertisements"][0]),
        bytes.fromhex(good["rounds"][0]["request"]),
    )
    header, _ = plain.unframe(adv)
    text = plain.canonical(header)
    spaced = json.dumps(header, sort_keys=True).encode()
    twice = text.replace(b'{"', b'{"site_id":2,"', 1)

    def framed(kind: int, text: bytes, body: bytes = b"") -> bytes:
        return b"RS\x02" + bytes([kind]) + plain.u32(len(text)) + text + body

    def without(name: str) -> bytes:
        return plain.frame(2, {key: value for key, value in header.items() if key != name})

    long = plain.frame(
        4, plain.unframe(request)[0] | {"questions_length": 31}, plain.unframe(request)[1]
    )
    hidden = plain.frame(4, plain.unframe(request)[0] | {"body": ""}, plain.unframe(request)[1])
    cases: tuple[tuple[str, str, bytes], ...] = (
        ("frame_empty", "shorter or longer", b""),
        ("frame_magic", "not a message of riskset", b"PS" + adv[2:]),
        ("frame_of_an_older_release", "is of version 1", adv[:2] + b"\x01" + adv[3:]),
        ("frame_of_a_newer_release", "is of version 3", adv[:2] + b"\x03" + adv[3:]),
        ("frame_kind", "kind 99 is unknown", adv[:3] + b"\x63" + adv[4:]),
        ("frame_other_kind", "not as agreed at", adv[:3] + b"\x03" + adv[4:]),
        ("frame_cut", "announces a header", adv[:-1]),
        ("frame_trailing_byte", "after its end", adv + b"\0"),
        ("frame_header_too_long", "announces a header", adv[:4] + b"\xff\xff\xff\xff" + adv[8:]),
        ("frame_body_cut", "its header announces", request[:-1]),
        ("frame_body_too_long", "its header announces", request + b"}"),
        ("frame_length_wrong", "its header announces", long),
        ("frame_body_in_header", "not canonical", hidden),
        (
            "header_extra_field",
            "not as agreed at: an unknown field",
            plain.frame(2, header | {"comment": "hello"}),
        ),
        ("header_missing_field", "not as agreed at: snapshot", without("snapshot")),
        ("header_spaces", "not canonical", framed(2, spaced)),
        ("header_key_twice", "not canonical", framed(2, twice)),
        (
            "header_upper_case",
            "not canonical",
            framed(2, text.replace(header["sid"].encode(), header["sid"].upper().encode())),
        ),
        ("header_not_json", "not as agreed at: header", framed(2, b"\xff" + text)),
        (
            "header_short_key",
            "not as agreed at: ephemeral",
            plain.frame(2, header | {"ephemeral": "00"}),
        ),
        (
            "header_number_as_text",
            "not as agreed at: site_id",
            plain.frame(2, header | {"site_id": "2"}),
        ),
        (
            "header_number_too_large",
            "not as agreed at: site_id",
            plain.frame(2, header | {"site_id": 2**32}),
        ),
    )
    return {
        name: [refused("ProtocolRefusal", words, step("read", message=message.hex()))]
        for name, words, message in cases
    }


def bad_recoveries(good: dict[str, Any]) -> dict[str, Any]:
    """Steps of the session with a committee; its committee is 0, 3, 8, 90 and 4,000,000,000, of whom 90 was lost."""
    first, sites, keys = good["rounds"][0], good["sites"], bytes.fromhex(good["keys"])
    header, _ = plain.unframe(keys)
    label, ids = bytes.fromhex(first["label"]), [site["site_id"] for site in good["sites"]]
    by_id = {site["site_id"]: site for site in sites}
    reports = dict(zip(ids, map(bytes.fromhex, first["reports"]), strict=True))
    protocol = "ProtocolRefusal"

    def until_reported(site: int) -> list[dict[str, Any]]:
        own = first["answers"][site]
        return [
            step("accept_keys", site, message=good["keys"]),
            step("report", site, message=first["request"], **own),
        ]

    def unmask(site: int, message: str) -> dict[str, Any]:
        return step("unmask", site, message=message)

    def over(*contributors: int, member: int = 0) -> str:
        chosen = {i: reports[i] for i in contributors}
        return plain.unmask_request(secret("centre"), header, 1, label, member, chosen).hex()

    def changed_keys(**fields: Any) -> str:
        return said_otherwise(good["keys"], lambda keys: keys.update(fields))

    def wrong_share(member: int) -> str:
        answer = bytes.fromhex(first["unmask_answers"][str(member)])
        body = bytearray(plain.unframe(answer)[1])
        body[40] ^= 1
        statement = b"riskset/sa1/unmask" + plain.h(
            label,
            plain.u32(member),
            plain.u32(*first["contributors"]),
            hashlib.sha256(bytes(body)).digest(),
        )
        signature = plain.sign(bytes.fromhex(by_id[member]["identity_private"]), statement)
        fields = plain.unframe(answer)[0] | {"signature": signature.hex()}
        return plain.frame(8, fields, bytes(body)).hex()

    def opened(**fields: Any) -> str:
        return said_otherwise(first["opening"], lambda opening: opening.update(fields))

    good_request = first["unmask_requests"]["0"]
    header_of_0 = plain.unframe(bytes.fromhex(good_request))[0]["contributors"][0]
    raw = bytearray.fromhex(first["opening"])
    end = 8 + int.from_bytes(raw[4:8], "little")
    misreported = bytes(raw[:end]) + bytes([raw[end] ^ 1]) + bytes(raw[end + 1 :])
    swapped = bytes(raw[:-1]) + bytes([raw[-1] ^ 1])
    seeds = plain.unframe(bytes(raw))[0]["seeds"]
    answers = list(first["unmask_answers"].values())
    lies = [wrong_share(0), *answers[1:]]
    all_reports = [reports[i].hex() for i in first["contributors"]]

    def pool(messages: list[str], answered: list[str]) -> dict[str, Any]:
        return step("pool", request=first["request"], reports=messages, answers=answered)

    return {
        "recovery_second_set": [
            *until_reported(0),
            unmask(0, good_request),
            unmask(0, good_request),
            refused(protocol, "there is one set", unmask(0, over(0, 3, 4, 8))),
        ],
        "recovery_too_few": [
            *until_reported(0),
            refused(protocol, "at least 3 must be in it", unmask(0, over(0, 3))),
        ],
        "recovery_before_the_report": [
            step("accept_keys", 0, message=good["keys"]),
            refused(protocol, "sent no report in round 1", unmask(0, good_request)),
        ],
        "recovery_of_another_label": [
            *until_reported(0),
            refused(
                protocol,
                "another question",
                unmask(0, changed(good_request, lambda h: h.update(label=secret("x").hex()))),
            ),
        ],
        "recovery_other_members_deposits": [
            *until_reported(0),
            refused(
                protocol,
                "cannot be opened",
                unmask(
                    0,
                    plain.frame(
                        7,
                        plain.unframe(bytes.fromhex(good_request))[0],
                        plain.unframe(bytes.fromhex(first["unmask_requests"]["3"]))[1],
                    ).hex(),
                ),
            ),
        ],
        "recovery_both_kinds": [
            *until_reported(0),
            refused(
                protocol,
                "never both",
                unmask(
                    0,
                    changed(
                        over(*ids),
                        lambda h: h.update(
                            contributors=h["contributors"][:4] + h["contributors"][5:]
                        ),
                    ),
                ),
            ),
        ],
        "recovery_forged_report": [
            *until_reported(0),
            refused(
                "SignatureRefusal",
                "the report of site",
                unmask(
                    0,
                    changed(
                        good_request,
                        lambda h: h["contributors"].__setitem__(
                            0, header_of_0 | {"masked": flipped(header_of_0["masked"])}
                        ),
                    ),
                ),
            ),
        ],
        "recovery_not_on_the_committee": [
            *until_reported(2),
            refused(protocol, "not on the committee", unmask(2, good_request)),
        ],
        "recovery_committee_of_the_centres_choice": [
            refused(
                protocol,
                "The committee of the session is",
                step("accept_keys", 0, message=changed_keys(committee=[0, 3, 8])),
            )
        ],
        "recovery_threshold_of_the_centres_choice": [
            refused(
                protocol,
                "The threshold of the session is 3",
                step("accept_keys", 0, message=changed_keys(threshold=3)),
            )
        ],
        "recovery_too_few_answers": [
            refused(protocol, "3 of the committee answered; 4 must", pool(all_reports, answers[:3]))
        ],
        "recovery_wrong_share": [
            refused(protocol, "do not give the seeds", pool(all_reports, lies))
        ],
        "opening_misreported": [
            *until_reported(0),
            step("opening", 0, message=first["opening"]),
            refused(
                protocol,
                "is not the sum of the reports",
                step("opening", 0, message=misreported.hex()),
            ),
        ],
        "opening_with_another_report": [
            *until_reported(0),
            refused(
                protocol,
                "shows another report",
                step("opening", 0, message=swapped.hex()),
            ),
        ],
        "opening_with_other_seeds": [
            *until_reported(0),
            refused(
                protocol,
                "no site committed itself",
                step("opening", 0, message=opened(seeds=[flipped(seeds[0]), *seeds[1:]])),
            ),
        ],
        "opening_with_a_seed_missing": [
            *until_reported(0),
            refused(
                protocol,
                "seeds; 10 are needed",
                step("opening", 0, message=opened(seeds=seeds[1:])),
            ),
        ],
        "opening_of_another_question": [
            *until_reported(0),
            refused(
                protocol,
                "belongs to another question",
                step("opening", 0, message=opened(label=secret("x").hex())),
            ),
        ],
        "opening_of_another_session": [
            *until_reported(0),
            refused(
                protocol,
                "belongs to another session",
                step("opening", 0, message=opened(sid=secret("x").hex())),
            ),
        ],
        "opening_before_the_report": [
            step("accept_keys", 0, message=good["keys"]),
            refused(protocol, "nothing to compare", step("opening", 0, message=first["opening"])),
        ],
    }
