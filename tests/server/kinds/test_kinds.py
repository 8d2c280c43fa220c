"""The kinds of analysis at the centre."""

from __future__ import annotations

from collections import Counter

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_server.kinds.kinds import KINDS


def test_every_estimator_has_one_line_at_the_centre() -> None:
    expected = Counter(estimator.kind for estimator in ESTIMATORS)

    assert expected == Counter(kind.name for kind in KINDS)


def test_the_figures_of_a_kind_have_names_of_their_own() -> None:
    for kind in KINDS:
        names = [figure.drawn_as for figure in kind.figures]

        assert sorted(set(names)) == sorted(names)
