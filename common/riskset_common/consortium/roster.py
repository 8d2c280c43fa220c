"""The roster: which sites may take part, and the public key by which each is known.

A roster is agreed outside of any run and comes to every site by a way the centre does not control. Its `hash` is what the
consortium's governance keys sign; the coordinating centre is no authority on keys.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.primitives.strict_fields import U32_END, Name, PublicKey, SiteId, StrictValue


class Member(StrictValue):
    """One site of the consortium: its number in the protocol, its name and study group for people, its Ed25519 public key."""

    site_id: SiteId
    name: Name
    study_group: Name
    public: PublicKey


class Roster(StrictValue):
    """The sites of a consortium, in the order of their numbers. A change makes a new version, and needs a new session."""

    version: Annotated[int, Field(ge=1, lt=U32_END)]
    members: tuple[Member, ...]

    @model_validator(mode="after")
    def _each_site_once(self) -> Self:
        for what in ("site_id", "name", "public"):
            if len({getattr(member, what) for member in self.members}) != len(self.members):
                raise ProtocolRefusal(
                    f"Roster version {self.version} holds one {what} twice. Each site has a number, a name and a key of its own."
                )
        numbers = [member.site_id for member in self.members]
        if numbers != sorted(numbers):
            raise ProtocolRefusal(
                f"Roster version {self.version} is not in the order of its site numbers. Sort it."
            )
        return self

    @cached_property
    def hash(self) -> bytes:
        """``H("roster", version, H(site_id, public, name, study_group), ...)``, 32 bytes: what governance signs."""
        entries = [
            H(u32(member.site_id), member.public, member.name.encode(), member.study_group.encode())
            for member in self.members
        ]
        return H(b"roster", u32(self.version), *entries)

    def member(self, site_id: int) -> Member:
        """Look up a site by its number; raise when the roster does not hold it."""
        for member in self.members:
            if member.site_id == site_id:
                return member
        raise ProtocolRefusal(
            f"Site number {site_id} is not in roster version {self.version}. Only sites of the roster take part; "
            "a new site needs a new roster version."
        )

    def name(self, site_id: int) -> str:
        """The name of a site, for messages to people."""
        return self.member(site_id).name
