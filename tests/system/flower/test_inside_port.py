"""A user of the centre's machine who knows the inside port and no secret gets nothing there; and no app but ours is started by anybody."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.fab_pb2 import Fab
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
from flwr.supercore.routers.runtime import responses_router, router
from flwr.superlink.routers.control import router as control_router
from flwr.superlink.routers.fleet.router import router as fleet_router

from riskset_common.errors import InputError
from riskset_common.programs.tls import trusting
from riskset_server.flower.app_archive import app_archive, app_folder
from riskset_server.flower.superlink import Control

STRANGER = """
[project]
name = "another-app"
version = "1.0.0"
description = "x"
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "another"
[tool.flwr.app.components]
serverapp = "another.server:app"
clientapp = "another.server:app"
[tool.flwr.app.config]
run = 0
"""
AS_NOBODY = """
import os, sys, httpx
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.fab_pb2 import Fab
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
inside, app, secret = sys.argv[1:]
content = open(app, "rb").read()
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    open(secret, "rb")
    print("secret read")
except PermissionError:
    print("secret closed")
control = ControlHttpClient("https://" + inside, interceptors=[RuntimeVersionHttpInterceptor("flwr-cli")])
control._client = httpx.Client(verify=False, trust_env=False, timeout=30)
try:
    print("started", control.StartRun(StartRunRequest(fab=Fab(content=content))).run_id)
except httpx.HTTPStatusError as error:
    print("refused", error.response.status_code)
"""


def app_that_writes(proof: Path) -> bytes:
    """A Flower app that writes a file as soon as anybody loads it."""
    code = f"import pathlib\npathlib.Path({str(proof)!r}).write_text('executed')\n"
    files = {"pyproject.toml": STRANGER, "another/__init__.py": "", "another/server.py": code}
    listed = "\n".join(
        f"{name},{hashlib.sha256(text.encode()).hexdigest()},{8 * len(text.encode())}"
        for name, text in files.items()
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in {**files, ".info/CONTENT": listed}.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_another_user_of_the_machine_starts_no_run_and_reads_no_secret(two_sites, tmp_path) -> None:
    centre = two_sites.federation.centre
    proof, app = tmp_path / "proof", tmp_path / "another.fab"
    app.write_bytes(app_that_writes(proof))
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, centre.listen.inside, app, centre.flower.secret],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    as_another_user = os.getuid() == 0

    assert [f"secret {'closed' if as_another_user else 'read'}", "refused 401"] == (
        done.stdout.splitlines()
    )
    assert not proof.exists()


def test_with_the_secret_too_no_app_but_that_of_this_release_is_started(
    two_sites, tmp_path
) -> None:
    content = app_that_writes(tmp_path / "proof")
    ours = app_archive(app_folder())
    asked = [
        StartRunRequest(fab=Fab(content=content)),
        StartRunRequest(fab=Fab(content=ours + b"\0")),
        StartRunRequest(fab=Fab(content=ours), app_spec="@flwrlabs/quickstart"),
        StartRunRequest(app_spec="@flwrlabs/quickstart"),
        StartRunRequest(fab=Fab(hash_str=hashlib.sha256(ours).hexdigest())),
    ]
    with Control(two_sites.federation.centre) as control:
        for request in asked:
            with pytest.raises(InputError, match=r"403: This centre starts the app of its own"):
                control._call(control._control.StartRun, request)

    assert not (tmp_path / "proof").exists()


def every_path() -> set[str]:
    routers = (control_router, fleet_router, router, responses_router)
    return {
        "/docs",
        "/health",
        "/openapi.json",
        *(route.path for each in routers for route in each.routes if isinstance(route, APIRoute)),
    }


def test_nothing_that_flower_serves_is_on_the_inside_port_without_the_secret(two_sites) -> None:
    centre = two_sites.federation.centre
    headers = {"content-type": "application/x-protobuf"}
    version = RuntimeVersionHttpInterceptor(component_name="SuperExec")._metadata.as_metadata()
    with httpx.Client(
        base_url=f"https://{centre.listen.inside}",
        verify=trusting(centre.tls.ca.read_bytes()),
        trust_env=False,
        headers={**headers, **dict(version)},
    ) as outside:
        answers = {
            path: {outside.post(path).status_code, outside.get(path).status_code}
            for path in every_path()
        }

    assert len(answers) > 60
    assert {} == {path: status for path, status in answers.items() if status != {401}}
