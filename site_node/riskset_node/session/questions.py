"""What a round of opened sums asks of this site's records: refused unless it follows from the approved plan and from checked sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest
from riskset_common.rounds.questions import read_round
from riskset_common.rounds.survey import check_survey, is_surveyed, surveyed
from riskset_common.rounds.verified_sums import check_repeated
from riskset_common.study.patients import Patients
from riskset_common.wire.messages import RoundRequest
from riskset_common.wire.sections import Numbers, Section, join
from riskset_node.policy import Policy, check_request
from riskset_node.session.joined import JoinedSession
from riskset_node.state.outbox import Summary

Answer = Callable[[Patients], Summary]
"""From this site's records to its own numbers of a round."""


def answer_to(request: RoundRequest, joined: JoinedSession, policy: Policy) -> Answer:
    """How a round is answered. No record is looked at before all is checked.

    Raises
    ------
    ProtocolRefusal, PolicyRefusal
        Where the round asks what does not follow from plan and checked sums, or what this site's policy does not allow.
    """
    earlier = [each for number, each in joined.asked.items() if number < request.round]
    if is_surveyed(joined.study):
        check_survey(joined.study, request.questions, request.sections)
        if earlier:
            raise ProtocolRefusal(
                "The round asks for opened sums a second time. A plan with rounded results opens the survey's, once."
            )
        return lambda patients: _summary(request.sections, surveyed(patients, joined.study))
    requests, sections = read_round(joined.study, request.questions, joined.verified)
    if not requests:
        raise ProtocolRefusal("The round asks nothing. The centre must run this release.")
    if sections != request.sections:
        raise ProtocolRefusal(
            "The round asks for other numbers than its questions imply. The centre must run this release."
        )
    check_repeated(requests, sections, earlier)
    for asked in requests.values():
        estimator_of(asked.spec.kind).require_grounds(asked)
        check_request(policy, asked)
    return lambda patients: _summary(sections, _summarised(requests, patients))


def _summarised(
    requests: Mapping[str, AnyRequest], patients: Patients
) -> dict[tuple[str, str], Numbers]:
    """The answers to all questions of a round, by analysis and name."""
    return {
        (name, array): np.asarray(values)
        for name, asked in requests.items()
        for array, values in estimator_of(asked.spec.kind).summarise(patients, asked).items()
    }


def _summary(sections: tuple[Section, ...], arrays: Mapping[tuple[str, str], Numbers]) -> Summary:
    counts, reals = join(sections, arrays)
    return Summary(sections, counts, reals)
