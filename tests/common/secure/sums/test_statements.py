from __future__ import annotations

from riskset_common.secure.sums import statements
from riskset_common.secure.sums.statements import SessionKey
from riskset_common.wire.messages import Close

ONE, TWO = b"1" * 32, b"2" * 32


def test_a_session_is_bound_to_plan_codebook_roster_and_nonce():
    sids = {
        statements.session_id(statements.agreement_hash(plan, codebook), roster, nonce)
        for plan in (b"{}", b"[]")
        for codebook in (b"{}", b"[]")
        for roster in (ONE, TWO)
        for nonce in (ONE, TWO)
    }

    assert 16 == len(sids)


def test_a_setup_is_bound_to_everything_in_it():
    keys = [SessionKey(1, ONE, ONE), SessionKey(2, TWO, ONE)]
    setups = {
        statements.setup_hash(ONE, keys, [], 0, 1),
        statements.setup_hash(TWO, keys, [], 0, 1),
        statements.setup_hash(ONE, keys[:1], [], 0, 1),
        statements.setup_hash(ONE, [SessionKey(3, ONE, ONE), keys[1]], [], 0, 1),
        statements.setup_hash(ONE, [SessionKey(1, TWO, ONE), keys[1]], [], 0, 1),
        statements.setup_hash(ONE, [SessionKey(1, ONE, TWO), keys[1]], [], 0, 1),
        statements.setup_hash(ONE, keys, [1], 0, 1),
        statements.setup_hash(ONE, keys, [], 1, 1),
        statements.setup_hash(ONE, keys, [], 0, 2),
    }

    assert 9 == len(setups)


def test_a_label_is_bound_to_everything_that_is_asked():
    labels = {
        statements.round_label(ONE, 1, 0, b"{}", [1, 2], ONE, "strict"),
        statements.round_label(TWO, 1, 0, b"{}", [1, 2], ONE, "strict"),
        statements.round_label(ONE, 2, 0, b"{}", [1, 2], ONE, "strict"),
        statements.round_label(ONE, 1, 1, b"{}", [1, 2], ONE, "strict"),
        statements.round_label(ONE, 1, 0, b"[]", [1, 2], ONE, "strict"),
        statements.round_label(ONE, 1, 0, b"{}", [1, 3], ONE, "strict"),
        statements.round_label(ONE, 1, 0, b"{}", [1], ONE, "strict"),
        statements.round_label(ONE, 1, 0, b"{}", [1, 2], TWO, "strict"),
        statements.round_label(ONE, 1, 0, b"{}", [1, 2], ONE, "recoverable"),
    }

    assert 9 == len(labels)


def test_a_commitment_hides_behind_its_salt():
    commitments = {statements.snapshot_commitment(salt, ONE) for salt in (ONE, TWO)}

    assert 2 == len(commitments)


def test_a_signature_of_one_kind_never_fits_a_statement_of_another():
    key = SessionKey(1, ONE, ONE)
    kinds = [
        Close(sid=ONE).statement(),
        statements.advertisement_statement(ONE, TWO, key),
        statements.report_statement(ONE, 1, ONE, ONE, ONE),
        statements.unmask_statement(ONE, 1, [1], b""),
        statements.refusal_statement(ONE, 1, 1, "policy"),
    ]

    assert 5 == len({statement[:-32] for statement in kinds})
