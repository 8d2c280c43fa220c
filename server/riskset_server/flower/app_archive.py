"""The Flower app of riskset as one archive (FAB), the same bytes wherever it is built, because sites admit it by its hash."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from riskset_common.errors import InputError
from riskset_common.wire.flower_envelope import APP_SHA256

FILES = (
    "pyproject.toml",
    "riskset_app/__init__.py",
    "riskset_app/client.py",
    "riskset_app/server.py",
)
"""What the archive holds: the names of entry points, and no code of their own."""


def app_folder() -> Path:
    """Where the app lies: in the installed package, or in the checkout."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "flower_app_files", here.parents[1] / "deploy" / "flower-app"):
        if (folder / FILES[0]).exists():
            return folder
    raise InputError(
        "The Flower app is not part of this installation. Install riskset-server from its wheel or its checkout."
    )


def app_archive(folder: Path) -> bytes:
    """Pack the app: each file as it is, then the list of their hashes that Flower wants.

    Raises
    ------
    InputError
        If a file is not the one of this release: no site would answer its runs.
    """
    contents = {name: (folder / name).read_bytes() for name in FILES}
    listed = "\n".join(
        f"{name},{hashlib.sha256(content).hexdigest()},{8 * len(content)}"
        for name, content in contents.items()
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**contents, ".info/CONTENT": listed.encode()}.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    if digest != APP_SHA256:
        raise InputError(
            f"{folder}: the Flower app has the hash {digest}, sites of this release admit {APP_SHA256}. Install riskset-server again."
        )
    return packed.getvalue()
