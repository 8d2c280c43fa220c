"""The lung study on 18 node processes, over TLS and streams: the results are the bytes that the embedded engine gives."""

from __future__ import annotations

from tests.system.flower.conftest import LUNG, deployed


def test_the_lung_study_on_18_processes_gives_the_bytes_of_the_embedded_engine(tmp_path) -> None:
    for federation in deployed(LUNG, tmp_path, stream=True):
        number = federation.start_run()
        ended = federation.watch(number)
        fallen_back = [
            name
            for name in federation.federation.sites
            if "no stream to" in federation.federation.log(name)
        ]

        assert f"run {number}: finished" == ended
        assert federation.expected == federation.results(number)
        assert [] == fallen_back
