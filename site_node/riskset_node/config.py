"""node.yaml: one site, the file with its patients, how to read that file, and what the site allows."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import (
    Annotated,
    ClassVar,
    Final,
    Literal,
    Protocol,
    Self,
    TypeVar,
    runtime_checkable,
)

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from riskset_common.errors import NodeConfigError
from riskset_common.formats.addresses import AddressText
from riskset_common.formats.names import LineText, SiteName, StudyName
from riskset_common.formats.strict_loader import YamlMapping
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import read_yaml, validate
from riskset_node.patient_records import PatientRecords
from riskset_node.policy import Policy


def _ed25519_key(text: str) -> str:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64 ({error}). Copy the key as the centre printed it.") from error
    if len(key) != 32:
        raise ValueError(
            f"an Ed25519 public key has 32 bytes, this has {len(key)}. Copy it as the centre printed it."
        )
    return text


def _sha256(text: str) -> str:
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise ValueError(
            "a SHA-256 has 64 digits 0 to 9 and a to f. Copy it as `riskset plan check` prints it."
        )
    return text


Sha256Text = Annotated[str, AfterValidator(_sha256)]


def _pins(written: object) -> object:
    if written == "any" or isinstance(written, (list, tuple)):
        return written
    raise ValueError(
        "is a list of plans, each {plan: SHA-256, codebook: SHA-256}, or the word any."
    )


class PinnedPlan(StrictModel):
    """A plan that people of this site read and agreed to, with its codebook: SHA-256 of each as canonical JSON, 64 hexadecimal digits."""

    plan: Sha256Text
    codebook: Sha256Text


Pins = Annotated[
    Annotated[tuple[PinnedPlan, ...], Tag("plans")] | Annotated[Literal["any"], Tag("any")],
    Discriminator(lambda written: "any" if written == "any" else "plans"),
]
"""Read as a list of plans unless it is the one word, so that an error speaks of that form alone."""


class Centre(StrictModel):
    """The coordinating centre, and how to reach it.

    Attributes
    ----------
    address
        `host:port`; this site dials out to it and opens no port of its own.
    ca
        The certificate of the authority that signed the centre's certificate.
    proxy
        URL of the HTTP proxy on the way, where there is one; else what HTTPS_PROXY in the environment says.
    key
        The centre's Ed25519 public key in base64, with which plans must be signed.
    plans
        The plans that this site answers; `any` for public or synthetic data only. Without it every plan is refused.
    stream
        Whether the rounds of a run may ride a stream that this site opens to the centre; else each is a message of its own.
    """

    address: AddressText | None = None
    ca: Path | None = None
    proxy: str | None = None
    key: Annotated[str, AfterValidator(_ed25519_key)] | None = None
    plans: Annotated[Pins, BeforeValidator(_pins)] | None = None
    stream: bool = True


class Identity(StrictModel):
    """The site's own keys: with `key` it signs what it sends, with `connection` (EC, PEM) it says who connects."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "certificate": "is a setting no longer, because no release has read it: a site is known by the public key in the roster. "
        "Remove the key."
    }

    key: Path
    connection: Path | None = None


class PinnedRoster(StrictModel):
    """The consortium's roster as it came to this site, and the governance keys (Ed25519, base64) of which `needed` must have signed it."""

    path: Path
    governance: tuple[Annotated[str, AfterValidator(_ed25519_key)], ...] = Field(min_length=1)
    needed: int = Field(ge=1)


WITHOUT_EFFECT_IN_A_LOCAL_RUN = (
    "centre.address",
    "centre.ca",
    "centre.plans",
    "centre.proxy",
    "centre.stream",
    "identity.connection",
    "roster",
    "state",
)
"""Settings that only a node which runs for long, connected to a centre, has a use for."""


class NodeConfig(StrictModel):
    """One site's node.yaml. `state` is the folder in which a node that runs for long keeps what left and what it joined."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "audit": "not enforced in this release: what left is kept in the folder of `state`, and nothing deletes it. "
        "Remove the key; `riskset-node outbox list` shows what left.",
        "log": "not enforced in this release: the node writes its log to standard output only. "
        "Remove the key, and direct standard output to a file where one is wanted.",
        "metrics": "not enforced in this release: the node opens no address. "
        "Remove the key; `riskset-node status` says how the node is.",
    }

    site: SiteName
    study_group: LineText
    study: StudyName | None = None
    centre: Centre = Centre()
    identity: Identity | None = None
    roster: PinnedRoster | None = None
    data: PatientRecords
    policy: Policy = Policy()
    state: Path | None = None

    @model_validator(mode="after")
    def _any_plan_needs_exact_release(self) -> Self:
        if self.centre.plans == "any" and self.policy.release != "exact":
            raise ValueError(
                f"centre.plans: any answers whatever plan the centre offers, and policy.release is {self.policy.release}. Pin the plans "
                "that this site agreed to; any goes with policy.release: exact only, for public or synthetic data."
            )
        return self

    @property
    def centre_key(self) -> bytes | None:
        """The Ed25519 public key that plans must be signed with, 32 bytes; None where node.yaml names none."""
        return None if self.centre.key is None else base64.b64decode(self.centre.key)

    @property
    def without_effect_in_a_local_run(self) -> tuple[str, ...]:
        """Settings written here that have no effect where all parties of a run are on one machine."""
        return tuple(
            setting for setting in WITHOUT_EFFECT_IN_A_LOCAL_RUN if _is_written(self, setting)
        )

    def with_policy_of(self, written: Self) -> Self:
        """These settings with what acts without a restart taken from another node.yaml: the policy, and the plans that are pinned."""
        centre = self.centre.model_copy(update={"plans": written.centre.plans})
        return self.model_copy(update={"policy": written.policy, "centre": centre})

    def differs_in(self, written: NodeConfig) -> tuple[str, ...]:
        """The keys, such as `data.columns`, whose values differ; each of them acts only after a restart if the policies are the same."""
        return tuple(_differing(self, written))


def _differing(one: BaseModel, other: BaseModel, above: str = "") -> Iterator[str]:
    """Names of the fields that differ, one level down where both are sections."""
    for name in type(one).model_fields:
        here, there = getattr(one, name), getattr(other, name)
        if here == there:
            continue
        if not above and isinstance(here, BaseModel) and isinstance(there, BaseModel):
            yield from _differing(here, there, f"{name}.")
        else:
            yield above + name


def _is_written(model: BaseModel, setting: str) -> bool:
    name, _, inner = setting.partition(".")
    written = name in model.model_fields_set
    return written and (not inner or _is_written(getattr(model, name), inner))


OPEN: Final = "?"
"""What a draft of node.yaml writes where somebody of the site has to decide."""


def _open_questions(written: object, place: str) -> Iterator[str]:
    """Places below a section of node.yaml that still hold a question; in a list, and as a key, `?` is a text of the file."""
    if written == OPEN:
        yield place
    elif isinstance(written, dict):
        for key, value in written.items():
            yield from _open_questions(value, f"{place}.{key}")


def _check_no_question(written: YamlMapping, path: Path) -> None:
    questions = [
        each
        for section, value in written.items()
        for each in _open_questions(value, str(section))
        if not each.startswith("data.source.where.")
    ]
    if questions:
        raise NodeConfigError(
            "\n".join(
                f'{path}: {each}: "?" is still to be filled in. Write what it is; the comment beside it says what was found.'
                for each in questions
            )
        )


def read_node(path: Path) -> NodeConfig:
    """Read node.yaml; paths in it are relative to its folder. Raises `YamlError` or `NodeConfigError` with every problem."""
    written = read_yaml(path)
    _check_no_question(written, path)
    config = validate(NodeConfig, written, str(path), NodeConfigError)
    return _in_folder(config, path.parent)


_STATE_LINE = re.compile(
    r"^state:[ \t]*(['\"]?)(?P<folder>[^'\"#\n]+?)\1[ \t]*(#.*)?$", re.MULTILINE
)


def state_written_in(path: Path) -> Path | None:
    """The folder in the line `state:` of a node.yaml that may be broken elsewhere; None where it has no such line."""
    try:
        found = _STATE_LINE.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return None if found is None else path.parent / found["folder"]


Written = TypeVar("Written", bound=BaseModel)


@runtime_checkable
class InFolder(Protocol):
    """A value that may hold a path; its text is what node.yaml would hold."""

    def in_folder(self, folder: Path) -> object:
        """The same, with the path relative to a folder."""
        ...


def _in_folder(model: Written, folder: Path) -> Written:
    """Join every relative path in the model to the folder; what was not written stays unwritten."""
    found: dict[str, object] = {}
    for name in model.model_fields_set:
        value = getattr(model, name)
        if isinstance(value, Path):
            found[name] = folder / value
        elif isinstance(value, InFolder):
            found[name] = value.in_folder(folder)
        elif isinstance(value, BaseModel):
            found[name] = _in_folder(value, folder)
    return model.model_copy(update=found)
