"""centre.yaml: where the coordinating centre listens, which keys it holds, and where it keeps its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from riskset_common.consortium.invitation import authority_text, centre_fingerprint
from riskset_common.errors import InputError
from riskset_common.formats.addresses import Address, AddressText
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import read_yaml, validate
from riskset_common.primitives.signing import Identity, read_identity

CENTRE_FILE = "centre.yaml"


def _loopback(text: str) -> str:
    if Address.read(text).host not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(
            f"{text!r} is not an address of this machine alone. The centre's own programs are on this machine; use 127.0.0.1:PORT."
        )
    return text


class Listen(StrictModel):
    """Where the centre listens.

    Attributes
    ----------
    sites
        For the sites: answers the calls of registered nodes and the health check, and nothing else.
    inside
        For the centre's own programs, on this machine only: they show the secret of `Flower`.
    stream
        For the streams of a run; None takes none.
    stream_ports
        How many runs may have streams at one time: each takes a port, from that of `stream` on.
    """

    sites: AddressText
    inside: Annotated[AddressText, AfterValidator(_loopback)]
    stream: AddressText | None = None
    stream_ports: int = Field(default=4, ge=1, le=64)


class Certificates(StrictModel):
    """The centre's certificate, its key, and the authority that signed it, PEM."""

    certificate: Path
    key: Path
    ca: Path


class Flower(StrictModel):
    """Flower's own files.

    Attributes
    ----------
    home
        Its folder.
    database
        Where the SuperLink keeps runs and messages; None keeps them in memory: faster, and gone when it ends.
    secret
        The file with the secret by which the SuperLink knows the centre's own programs: SuperExec, drivers, commands.
    """

    home: Path
    database: Path | None = None
    secret: Path


class Rounds(StrictModel):
    """How long a question waits for the sites' answers, how long the close of a run does, and when they are asked again, in seconds."""

    deadline: float = Field(default=600.0, gt=0)
    closing: float = Field(default=5.0, gt=0)
    again_after: float = Field(default=60.0, gt=0)


class CentreConfig(StrictModel):
    """One centre.

    Attributes
    ----------
    address, stream_address
        `host:port` as the sites reach it, for messages and for streams.
    key
        The centre's Ed25519 key, with which it signs what it offers.
    store
        URL of the database of sites and runs, as SQLAlchemy writes it: `sqlite:///FILE` or `postgresql+psycopg://...`.
    folder
        Where the folders of finished runs appear.
    """

    address: AddressText
    stream_address: AddressText | None = None
    listen: Listen
    tls: Certificates
    key: Path
    store: str
    flower: Flower
    rounds: Rounds = Rounds()
    folder: Path

    def identity(self) -> Identity:
        """The centre's signing key."""
        return read_identity(self.key, "key:")

    def authority(self) -> str:
        """The authority that signed the centre's certificate, PEM. Raises `InputError` where the file holds none."""
        try:
            return authority_text(self.tls.ca.read_bytes())
        except OSError as error:
            raise InputError(
                f"tls.ca: {self.tls.ca}: cannot be read ({error.strerror}). Check the path and its permissions."
            ) from error
        except InputError as error:
            raise InputError(
                f"tls.ca: {self.tls.ca}: {error} Restore the file, or have the certificate made again."
            ) from error

    def fingerprint(self) -> str:
        """What the centre's people read out by telephone: it covers the signing key and the authority."""
        return centre_fingerprint(self.identity().public_text, self.authority())


def read_centre(path: Path) -> CentreConfig:
    """Read centre.yaml, or the one in a folder; paths in it are relative to its folder.

    Raises
    ------
    InputError
        With every problem.
    """
    file = path / CENTRE_FILE if path.is_dir() else path
    if path.is_dir() and not file.exists():
        raise InputError(
            f"{path.resolve()}: holds no {CENTRE_FILE}, so it is no centre's folder. Name the folder with --centre FOLDER, or in the "
            "environment as RISKSET_CENTRE; `riskset centre new` makes one."
        )
    read = validate(CentreConfig, read_yaml(file), str(file), InputError)
    here = file.parent.resolve()
    return read.model_copy(
        update={
            "key": here / read.key,
            "folder": here / read.folder,
            "store": _store_in(here, read.store),
            "tls": Certificates(
                certificate=here / read.tls.certificate,
                key=here / read.tls.key,
                ca=here / read.tls.ca,
            ),
            "flower": Flower(
                home=here / read.flower.home,
                database=None if read.flower.database is None else here / read.flower.database,
                secret=here / read.flower.secret,
            ),
        }
    )


def _store_in(folder: Path, url: str) -> str:
    """A SQLite file that is named without a leading slash lies in the folder of centre.yaml."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith(prefix + "/"):
        return url
    return f"{prefix}{folder / url.removeprefix(prefix)}"
