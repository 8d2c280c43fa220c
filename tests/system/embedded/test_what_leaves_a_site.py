"""What the centre receives in a whole run, what each site's outbox shows of it, and what must never be in it."""

from __future__ import annotations

import hashlib
import json
import struct
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from tests.system.end_to_end.small_study import SITES, SmallStudy, write_small_study

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import Request
from riskset_common.planning.read import read_plan
from riskset_common.results.as_json import as_json
from riskset_common.study.codebook import read_codebook
from riskset_common.study.study import Site, Study
from riskset_common.wire.messages import Advertisement, Refused, Report, read_message
from riskset_embedded.engine import Parties, SitesSaidNo, run_local
from riskset_embedded.local_run import read_nodes
from riskset_embedded.transcript import Transcript
from riskset_node.state.outbox import Entry, Outbox

LOCAL_ID, VALUE = "POISON-4711", 31.41592653589
POISON = (b"POISON", b"31.41592", b"31,41592", struct.pack("<d", VALUE))


def messages(folder: Path) -> list[Path]:
    return sorted((folder / "transcript").rglob("*.msg"))


def entries(folder: Path, site: str) -> list[Entry]:
    with closing(Outbox(folder / "outboxes" / f"{site}.sqlite")) as outbox:
        return list(outbox.entries())


def bodies(folder: Path) -> set[bytes]:
    """Masked bodies of all reports."""
    read = [read_message(path.read_bytes()) for path in messages(folder)]
    return {message.body for message in read if isinstance(message, Report)}


def test_a_site_sends_advertisements_and_reports_and_nothing_else(finished: SmallStudy) -> None:
    kinds = Counter(type(read_message(path.read_bytes())) for path in messages(finished.out))

    assert {Advertisement: len(SITES), Report: len(SITES) * finished.results()["rounds"]} == kinds


def test_the_index_holds_every_message_and_its_hash(finished: SmallStudy) -> None:
    folder = finished.out / "transcript"
    lines = [json.loads(line) for line in (folder / "index.jsonl").read_text("utf-8").splitlines()]
    indexed = {folder / line["step"] / f"{line['site']}.msg": line for line in lines}

    assert messages(finished.out) == sorted(indexed)
    for path, line in indexed.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == line["sha256"]
        assert path.stat().st_size == line["bytes"]


@pytest.mark.parametrize("site", SITES)
def test_all_that_the_centre_received_stands_in_the_sites_outbox(
    finished: SmallStudy, site: str
) -> None:
    received = [path.read_bytes() for path in messages(finished.out) if path.stem == site]

    assert sorted(received) == sorted(entry.message for entry in entries(finished.out, site))


def test_the_outboxes_add_up_to_what_was_opened_and_released(finished: SmallStudy) -> None:
    """Each round is pooled again from the outboxes alone; the estimators then give the same results."""
    sites = tuple(Site(name, f"group {name}") for name in SITES)
    study = Study(read_plan(finished.plan), read_codebook(finished.codebook), sites)
    requests: dict[str, Any] = {
        spec.id: estimator_of(spec.kind).first(spec, study) for spec in study.plan.analyses
    }
    results: dict[str, Any] = {}
    sent = {
        site: {each.round: each.summary for each in entries(finished.out, site)} for site in SITES
    }
    for number in range(1, finished.results()["rounds"] + 1):
        pooled: dict[tuple[str, str], Any] = {}
        for site in SITES:
            summary = sent[site][number]
            if summary is None:
                raise AssertionError(f"round {number} of {site} has no summary")
            for key, array in summary.arrays().items():
                pooled[key] = pooled.get(key, 0) + array
        for name, request in list(requests.items()):
            own = {array: values for (of, array), values in pooled.items() if of == name}
            reached = estimator_of(request.spec.kind).next(request, own)
            if isinstance(reached, Request):
                requests[name] = reached
            else:
                results[name] = as_json(reached)
                del requests[name]

    assert {} == requests
    released = finished.results()["analyses"]
    assert released.keys() == results.keys()
    for name, found in results.items():
        assert same(released[name], found), name


def same(expected: Any, actual: Any) -> bool:
    """Equal, reals to 1e-9: the secure sum rounds each site's reals once, floating-point addition at every step."""
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(
            same(expected[name], actual[name]) for name in expected
        )
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, float):
        return bool(np.isclose(expected, actual, rtol=1e-9, atol=1e-12))
    return bool(expected == actual)


def test_one_report_looks_like_noise_and_not_like_the_numbers_under_it(
    finished: SmallStudy,
) -> None:
    for site in SITES:
        for entry in entries(finished.out, site):
            if entry.summary is None:
                continue
            words = np.frombuffer(Report.from_bytes(entry.message).body, "<u8")

            assert (entry.summary.counts < 2**20).all()
            # Counts are small. Of the words of all reports, were they random, one is once in more than a million runs.
            assert (words >= 2**20).all()


def test_results_are_the_same_bytes_in_every_run_and_order_of_sites_and_masks_never(
    finished: SmallStudy, tmp_path: Path
) -> None:
    again = write_small_study(tmp_path)
    for index, site in enumerate(reversed(SITES)):
        again.node(site).rename(again.nodes / f"{index}.yaml")

    assert 0 == again.run().exit_code
    assert (finished.out / "results.json").read_bytes() == (again.out / "results.json").read_bytes()
    first, second = bodies(finished.out), bodies(again.out)
    assert len(first) == len(second) == len(SITES) * finished.results()["rounds"]
    assert set() == first & second
    pieces = [
        {body[start : start + 16] for body in each for start in range(0, len(body) - 15, 16)}
        for each in (first, second)
    ]
    assert set() == pieces[0] & pieces[1]


def everything_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_patient_with_an_accepted_finding_is_found_nowhere(study: SmallStudy) -> None:
    study.add_row("north", f"{LOCAL_ID},300,dead,{VALUE},unknown-{LOCAL_ID}")

    def accept(node: Any) -> None:
        node["data"]["accept"] = ["unmapped_code"]

    study.change_yaml(study.node("north"), accept)

    assert 0 == study.run().exit_code
    files = everything_in(study.out)
    assert {"log.jsonl", "results.json", "report.html"} <= files.keys()
    leaking = [name for name, found in files.items() for poison in POISON if poison in found]
    assert [] == [name for name in leaking if not name.startswith("outboxes/")]
    assert [] == leaking


@pytest.mark.parametrize(
    "row",
    [
        f"{LOCAL_ID},{VALUE},dead,50,male",
        f"{LOCAL_ID},-{VALUE},dead,50,male",
        f"{LOCAL_ID},300,dead,50,{VALUE}",
        f"{LOCAL_ID},300,dead,{VALUE}-{LOCAL_ID},male",
        f"{LOCAL_ID},,dead,50,male",
    ],
    ids=["off the grid", "negative", "unmapped", "no number", "missing"],
)
def test_a_finding_crosses_as_a_code_only(study: SmallStudy, row: str) -> None:
    study.add_row("north", row)
    configs = read_nodes(study.nodes)
    (study.folder / "outboxes").mkdir()
    with structlog.testing.capture_logs() as logged, pytest.raises(SitesSaidNo) as refused:
        run_local(
            read_plan(study.plan),
            read_codebook(study.codebook),
            Parties(configs),
            transcript=Transcript(study.folder / "transcript"),
            outboxes=study.folder / "outboxes",
        )
    received = [path.read_bytes() for path in messages(study.folder)]
    no = [read for read in map(read_message, received) if isinstance(read, Refused)]

    assert ["data"] == [message.wire_code for message in no]
    assert LOCAL_ID in str(refused.value)
    assert len(SITES) == len(received)
    for poison in POISON:
        assert not any(poison in message for message in received)
        assert poison not in repr(logged).encode()
    assert 1 == sum(event["event"] == "message_refused" for event in logged)
