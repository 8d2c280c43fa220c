"""node.yaml as a node answers by it: the policy is read again when the file changes, and everything else holds until a restart.

One rule for offers and for runs under way: the policy that is in the file now holds. It is what a restart would do as well. A run whose
plan the new policy no longer allows is refused at its next message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import structlog

from riskset_common.errors import RisksetError
from riskset_common.study.study import Study
from riskset_node.config import NodeConfig, read_node
from riskset_node.policy import Policy, check_committee, check_plan, effective
from riskset_node.session.joined import JoinedSession
from riskset_node.state.node_state import NodeState
from riskset_node.state.told import SettingsInForce

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()
_Stamp = tuple[int, int, int, int]


class Settings:
    """The settings in force. Without a `file`, as in a local run, they are those that were given.

    What is in force is written into the state, for `riskset-node status` and `doctor`.
    """

    def __init__(
        self, config: NodeConfig, file: Path | None, state: NodeState, now: Callable[[], datetime]
    ) -> None:
        self.config = config
        """As at the start, with the policy of now."""
        self._file, self._state, self._now = file, state, now
        self._seen: tuple[_Stamp | None, ...] = ()
        self._roster = _roster_of(config)
        self._told = SettingsInForce(now(), "", ())
        self._checked: dict[bytes, tuple[Policy, date]] = {}
        if file is not None:
            state.tell_settings(self._told)

    def renew(self) -> None:
        """Take the policy from the file if it was changed. A file that cannot be read, or is no node.yaml, changes nothing but is told."""
        if self._file is None:
            return
        roster = self.config.roster
        stamps = (_stamp(self._file), None if roster is None else _stamp(roster.path))
        if stamps[0] is not None and stamps == self._seen:
            return
        self._seen = stamps
        try:
            written = read_node(self._file)
        except (RisksetError, ValueError, TypeError, RecursionError) as error:
            # Whatever somebody is just writing there must not end a node that runs.
            text = str(error) if isinstance(error, RisksetError) else "cannot be read as YAML"
            trouble = text if str(self._file) in text else f"{self._file}: {text}"
            self._tell(replace(self._told, trouble=trouble))
            return
        policy_at = self._told.policy_at
        if written.policy != self.config.policy:
            policy_at = self._now()
            _LOG.info(
                "policy_changed",
                site=self.config.site,
                said=_changes(self.config.policy, written.policy),
            )
        self.config = self.config.with_policy_of(written)
        file = ("roster.yaml",) if _roster_of(self.config) != self._roster else ()
        self._tell(SettingsInForce(policy_at, "", (*self.config.differs_in(written), *file)))

    def check(self, study: Study) -> None:
        """Raise `PolicyRefusal` with every reason for which the policy of now does not allow the study's plan."""
        check_plan(self.config.policy, study, self._now().date())
        check_committee(self.config.policy, study, self.config.site)

    def still_allow(self, joined: JoinedSession) -> JoinedSession:
        """A session under way; refused if the policy of now does not allow its plan. Its minimum of sites may rise, and never falls."""
        sid, holds = joined.session.sid, (self.config.policy, self._now().date())
        if self._checked.get(sid) == holds:
            return joined
        self.check(joined.study)
        self._checked[sid] = holds
        least = effective(self.config.policy, joined.study.plan).minimum_sites
        if joined.session.setup is None or least <= joined.session.minimum_sites:
            return joined
        return replace(joined, session=replace(joined.session, minimum_sites=least))

    def forget(self, sid: bytes) -> None:
        """The session is over."""
        self._checked.pop(sid, None)

    def _tell(self, told: SettingsInForce) -> None:
        if told.trouble and told.trouble != self._told.trouble:
            _LOG.error("node_yaml_not_used", site=self.config.site, said=told.trouble)
        if told.waiting and told.waiting != self._told.waiting:
            _LOG.warning("settings_wait", site=self.config.site, said=", ".join(told.waiting))
        if told != self._told:
            self._told = told
            self._state.tell_settings(told)


def _stamp(file: Path) -> _Stamp | None:
    """What changes with a file's content; None if it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _roster_of(config: NodeConfig) -> bytes | None:
    """The content of the roster's file; None if it cannot be read."""
    try:
        return None if config.roster is None else config.roster.path.read_bytes()
    except OSError:
        return None


def _changes(before: Policy, after: Policy) -> str:
    """Each field that differs, with both values."""
    was, now = before.model_dump(), after.model_dump()
    return "; ".join(
        f"policy.{name}: {_text(was[name])} -> {_text(now[name])}"
        for name in was
        if was[name] != now[name]
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
