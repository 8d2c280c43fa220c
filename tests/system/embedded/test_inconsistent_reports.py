"""A site whose report contradicts itself shows in the sum, though nobody sees its numbers."""

from __future__ import annotations

import pytest
from tests.system.embedded.lost_sites import six_sites

from riskset_common.errors import EstimationError
from riskset_embedded.engine import run_local
from riskset_node.session import node
from riskset_node.session.questions import answer_to
from riskset_node.state.outbox import Summary


@pytest.fixture(scope="module")
def study():
    return six_sites()


@pytest.mark.parametrize(
    ("key", "change", "says"),
    [
        (("table1", "n"), 1, "the levels of age_65 do not add up"),
        (("table1", "cells"), 1, "the levels of age_65 do not add up"),
        (("os_sex", "censored"), 1, "another number of patients"),
        (("os_sex", "missing"), 2, "another number of patients"),
        (("cox", "events"), 1, "the levels of sex do not add up"),
        (("cox", "n"), -10_000, "n holds a negative count"),
        (("followup", "events"), -10_000, "events holds a negative count"),
    ],
)
def test_a_report_that_does_not_add_up_ends_the_run(study, monkeypatch, key, change, says):
    def wrong(request, joined, policy):
        right = answer_to(request, joined, policy)
        return lambda patients: changed(right(patients), joined)

    def changed(summary, joined):
        if joined.session.roster.name(joined.session.site_id) != study.names[3]:
            return summary
        counts, start = summary.counts.copy(), 0
        for section in summary.sections:
            if section.key == key:
                counts[start] += change
            start += section.length if section.ring == "counts" else 0
        return Summary(summary.sections, counts, summary.reals)

    monkeypatch.setattr(node, "answer_to", wrong)
    with pytest.raises(EstimationError, match="a site's report is inconsistent") as raised:
        run_local(study.plan, study.codebook, study.parties())

    assert says in str(raised.value)
    assert study.names[3] not in str(raised.value)
