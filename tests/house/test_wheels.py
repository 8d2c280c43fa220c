"""What is in the wheels: a hospital must be able to say which lines run there."""

from __future__ import annotations

import zipfile
from email.message import Message
from email.parser import Parser
from importlib.metadata import requires
from pathlib import Path

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from riskset_common import __version__
from riskset_server.flower.app_archive import FILES

PACKAGES = {
    "common": "riskset_common",
    "site_node": "riskset_node",
    "server": "riskset_server",
    "deploy/embedded": "riskset_embedded",
}
SISTERS = {
    "common": set(),
    "site_node": {"riskset-common"},
    "server": {"riskset-common"},
    "deploy/embedded": {"riskset-common", "riskset-node", "riskset-server"},
}


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_wheel_holds_its_own_package_and_nothing_else(
    wheels: dict[str, Path], folder: str
) -> None:
    with zipfile.ZipFile(wheels[folder]) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    assert {
        PACKAGES[folder],
        f"{wheels[folder].name.split('-')[0]}-{__version__}.dist-info",
    } == tops


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_wheel_says_that_it_is_typed(wheels: dict[str, Path], folder: str) -> None:
    with zipfile.ZipFile(wheels[folder]) as archive:
        names = archive.namelist()

    assert f"{PACKAGES[folder]}/py.typed" in names


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_wheel_carries_the_licence(checkout: Path, wheels: dict[str, Path], folder: str) -> None:
    with zipfile.ZipFile(wheels[folder]) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/licenses/LICENSE"))
        licence = archive.read(name)

    assert (checkout / "LICENSE").read_bytes() == licence


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_wheel_accepts_its_sisters_in_its_own_version_only(
    wheels: dict[str, Path], folder: str
) -> None:
    required = metadata_of(wheels[folder]).get_all("Requires-Dist", [])
    pinned = {r for r in required if r.startswith("riskset-") and "==" in r}

    assert {f"{sister}=={__version__}" for sister in SISTERS[folder]} == pinned


def test_the_site_node_brings_no_plotting_and_no_server(wheels: dict[str, Path]) -> None:
    required = metadata_of(wheels["site_node"]).get_all("Requires-Dist", [])

    assert not {r for r in required if r.startswith(("matplotlib", "scipy", "riskset-server"))}


def test_the_server_brings_the_flower_app_and_the_history_of_its_tables(
    checkout: Path, wheels: dict[str, Path]
) -> None:
    migrations = checkout / "server" / "riskset_server" / "store" / "migrations" / "versions"
    with zipfile.ZipFile(wheels["server"]) as archive:
        names = set(archive.namelist())

    assert {f"riskset_server/flower_app_files/{name}" for name in FILES} <= names
    assert {
        f"riskset_server/store/migrations/versions/{p.name}" for p in migrations.glob("*.py")
    } <= names


def test_the_root_requires_what_its_members_require(checkout: Path) -> None:
    members: set[str] = set()
    for folder in PACKAGES:
        core = ProjectMetadata(str(checkout / folder), PluginManager()).core
        members.update(d for d in core.dependencies if not d.startswith("riskset-"))

    assert members == {r for r in requires("riskset") or [] if "extra ==" not in r}
