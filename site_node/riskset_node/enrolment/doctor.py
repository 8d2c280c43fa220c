"""Checks of this machine, its records and the connection to the centre: each passes, warns, or says what to do.

Of the patients nothing is told but how many findings the check of their records has; nothing is sent but a request for the centre's
health.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
from cryptography import x509

from riskset_common.errors import RisksetError
from riskset_common.formats.addresses import Address
from riskset_common.formats.moments import moment
from riskset_common.primitives.signing import fingerprint
from riskset_common.programs.command_line import version_of
from riskset_common.programs.tls import trusting
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_node.config import NodeConfig
from riskset_node.enrolment.joining import CODEBOOK_FILE, NODE_FILE, read_connection_key
from riskset_node.policy import expiry_reasons
from riskset_node.records.findings import Severity
from riskset_node.records.reading import read_records
from riskset_node.records.variable_columns import variable_columns
from riskset_node.session.service import (
    STATE_FILE,
    address_of,
    own_identity,
    read_file,
    require_patient,
    state_folder,
)
from riskset_node.session.trust import own_entry, trust_of
from riskset_node.sources import source_of
from riskset_node.sources.source import check_header
from riskset_node.state.told import told_by

CLOCK_AHEAD, CLOCK_BEHIND = 5.0, 300.0
"""Seconds by which the centre lets a site's clock go wrong."""

FREE_BYTES = 1 << 30

_NO_CODEBOOK = (
    f"the records are not checked against it, because there is no {CODEBOOK_FILE} beside {NODE_FILE}. "
    "Ask the centre for it, and lay it there."
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, whether it is as it must be, and what was found or is to be done; `warns` where it could be better."""

    what: str
    passed: bool
    found: str
    warns: bool = False


def codebook_beside(node: Path) -> Path | None:
    """The codebook that lies beside a node.yaml, or None."""
    path = node.parent / CODEBOOK_FILE
    return path if path.exists() else None


def examine(
    config: NodeConfig,
    *,
    now: datetime,
    codebook: Path | None,
    admission: Callable[[], str],
    runs: bool,
) -> list[Check]:
    """Look at everything; what fails does not keep the rest from being looked at.

    Parameters
    ----------
    codebook
        The study's, against which the records are checked; None where there is none.
    admission
        Asks the centre as the node does; raises `RisksetError` if it does not admit the site.
    runs
        Whether the node runs, so that what it made of node.yaml counts.
    """
    health, records = _Health(config, now), _Records(config, now, codebook)
    looks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("release", lambda: f"riskset-node {version_of('riskset-node')}"),
        ("keys", lambda: _keys(config)),
        ("roster", lambda: _roster(config)),
        ("authority", lambda: _authority(config, now)),
        ("centre", health.reach),
        ("clock", health.clock),
        ("admission", admission),
        ("policy", lambda: _policy(config, now)),
        ("plans", lambda: _plans(config)),
        ("settings", lambda: _settings(config, runs=runs)),
        ("records", records.look),
        ("disk", lambda: _disk(config)),
    )
    return [*_checks(looks), *records.warnings]


def _checks(looks: tuple[tuple[str, Callable[[], str]], ...]) -> Iterator[Check]:
    for what, look in looks:
        try:
            yield Check(what, True, look())
        except RisksetError as error:
            yield Check(what, False, str(error))


def _keys(config: NodeConfig) -> str:
    identity = own_identity(config)
    read_connection_key(read_file(config, "identity.connection"))
    for setting, path in (
        ("identity.key", config.identity and config.identity.key),
        ("identity.connection", config.identity and config.identity.connection),
    ):
        if isinstance(path, Path) and path.stat().st_mode & 0o077:
            raise RisksetError(
                f"{setting}: {path} can be read by other users of this machine. Close it: chmod 600 {path}"
            )
    return f"signing key {fingerprint(identity.public)}, as the roster shows it; when a site joins, what `init` printed is read out"


def _roster(config: NodeConfig) -> str:
    roster = trust_of(config).roster
    member = own_entry(config, roster, own_identity(config).public)
    offered = told_by(_state_file(config)).roster_offered
    if offered is not None and offered > roster.version:
        raise RisksetError(
            f"the centre's roster is version {offered}, here {roster.version}: get roster.yaml and roster.yaml.sig from the centre, "
            "then restart the node."
        )
    return f"version {roster.version}, {len(roster.members)} sites, this site is number {member.site_id}"


def _authority(config: NodeConfig, now: datetime) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(read_file(config, "centre.ca"))
    except ValueError as error:
        raise RisksetError(
            "centre.ca: the file is no certificate in PEM form. Copy it from the invitation again."
        ) from error
    until = certificate.not_valid_after_utc
    if until < now:
        raise RisksetError(f"centre.ca: ended on {until:%Y-%m-%d}. Ask the centre for the new one.")
    return f"valid until {until:%Y-%m-%d}"


class _Health:
    """One request to the centre: it tells name, port, proxy, TLS and clock in one go."""

    def __init__(self, config: NodeConfig, now: datetime) -> None:
        self._config = config
        self._now = now
        self._date: datetime | None = None

    def reach(self) -> str:
        """Whether the centre answers over TLS."""
        address = address_of(self._config)
        try:
            with httpx.Client(
                verify=trusting(read_file(self._config, "centre.ca")),
                proxy=self._config.centre.proxy,
                timeout=10.0,
            ) as centre:
                answer = centre.get(f"https://{address}/health")
        except httpx.TransportError as error:
            raise RisksetError(_what_to_do(address, error)) from error
        if answer.status_code != 200:
            raise RisksetError(
                f"centre.address: {address} answers {answer.status_code}. Something else answers in its place; ask IT for the "
                "proxy (centre.proxy)."
            )
        if "date" in answer.headers:
            self._date = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
        return f"{address} answers, and its certificate is signed by centre.ca"

    def clock(self) -> str:
        """How far this machine's clock is from the centre's; the centre's is given in whole seconds."""
        if self._date is None:
            raise RisksetError("not checked, because the centre was not reached.")
        ahead = (self._now - self._date).total_seconds()
        if ahead > CLOCK_AHEAD + 1 or ahead < -CLOCK_BEHIND:
            raise RisksetError(
                f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the centre's, and the centre "
                "refuses a node whose clock is wrong. Let it be set by NTP."
            )
        return f"{ahead:+.0f} s from the centre's"


def _what_to_do(address: str, error: Exception) -> str:
    centre = Address.read(address)
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"centre.ca: the certificate at {address} is not signed by it ({text.rpartition('] ')[2]}). If a proxy here opens TLS "
            f'connections, ask IT: "please exempt {centre.host} from TLS inspection".'
        )
    if "Name or service not known" in text or "getaddrinfo" in text or "name resolution" in text:
        return f"centre.address: the name {centre.host} is not known here. Check it, or set centre.proxy."
    return (
        f"centre.address: {address} cannot be reached ({type(error).__name__}). Ask IT: "
        f'"please allow outbound TCP {centre.port} to {centre.host}", or set centre.proxy.'
    )


def _policy(config: NodeConfig, now: datetime) -> str:
    expired = tuple(expiry_reasons(config.policy, now.date()))
    if expired:
        raise RisksetError(expired[0])
    until = config.policy.expires
    return "holds" if until is None else f"holds until {until}"


def _plans(config: NodeConfig) -> str:
    plans = config.centre.plans
    if plans is None:
        raise RisksetError(
            "centre.plans is not in node.yaml, so this node refuses every offer. Write the plans that this site agreed to, each as "
            "{plan: SHA-256, codebook: SHA-256} of `riskset plan check`; plans: [] as long as there is none."
        )
    if plans == "any":
        return "every plan is answered, because the policy allows exact release"
    return f"{len(plans)} pinned" if plans else "none is pinned yet, so every offer is refused"


def _settings(config: NodeConfig, *, runs: bool) -> str:
    """What the node that runs made of node.yaml, which is here as the file is now."""
    told = told_by(_state_file(config)).settings
    if not runs or told is None:
        return "no node runs; the next start takes node.yaml as it is"
    if told.trouble:
        raise RisksetError(
            f"node.yaml was changed, and the node that runs does not use it: {told.trouble}\nThe policy of "
            f"{moment(told.policy_at)} holds. The node looks at the file again within 20 seconds."
        )
    if told.waiting:
        raise RisksetError(
            f"changed, and acts only after a restart of the node (`riskset-node stop`, then `start`): {', '.join(told.waiting)}."
        )
    return f"the policy is in force since {moment(told.policy_at)}"


def _state_file(config: NodeConfig) -> Path:
    return state_folder(config) / STATE_FILE


class _Records:
    """One look at the records, of which no value is told."""

    def __init__(self, config: NodeConfig, now: datetime, codebook: Path | None) -> None:
        self._config = config
        self._today = now.astimezone().date()
        self._codebook = codebook
        self.warnings: list[Check] = []

    def look(self) -> str:
        """Whether the source can be read, has the columns that node.yaml names, and passes the check; what it warns of is kept."""
        require_patient(self._config)
        source, settings = source_of(self._config.data.source.kind), self._config.data.source
        place, columns = source.place(settings), _named_columns(self._config)
        header = source.header(settings)
        check_header(header, columns, place)
        said = [f"{place} can be read: {len(header)} columns"]
        for each in source.examined(settings, columns):
            if each.warns:
                self.warnings.append(Check("records", True, each.found, warns=True))
            else:
                said.append(each.found)
        if self._codebook is None:
            self.warnings.append(Check("codebook", True, _NO_CODEBOOK, warns=True))
        else:
            said.append(self._checked(read_codebook(self._codebook), header))
        return "; ".join(said)

    def _checked(self, codebook: Codebook, header: Sequence[str]) -> str:
        """The counts of the whole check. Raises if there is an error among the findings."""
        see = f"`riskset-node data check {NODE_FILE}` tells them."
        variable_columns(self._config, codebook, header)
        try:
            records = read_records(self._config, codebook, self._today)
        except RisksetError as error:
            # Its text may name values.
            raise RisksetError(
                f"cannot be checked against the codebook, {see.replace('them', 'why')}"
            ) from error
        errors = sum(finding.severity is Severity.ERROR for finding in records.findings)
        warnings = len(records.findings) - errors
        counts = f"{records.patients.n:,} patients, {errors} errors and {warnings} warnings of the check against the codebook"
        if errors:
            raise RisksetError(f"{counts}, {see}")
        return counts


def _named_columns(config: NodeConfig) -> tuple[str, ...]:
    """Columns that node.yaml names; those of variables that it does not list are known with the codebook only."""
    names = [column.column for column in (config.data.columns or {}).values()]
    return tuple(dict.fromkeys([*filter(None, [config.data.patient]), *names]))


def _disk(config: NodeConfig) -> str:
    folder = state_folder(config)
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise RisksetError(
            f"state: {free >> 20} MiB are free at {folder}; what leaves is written down there first. Make 1 GiB free."
        )
    return f"{free >> 30} GiB free at {folder}"
