"""REDCap projects: over their interface, with a token that may export, or from a raw CSV export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from riskset_common.errors import NodeConfigError
from riskset_node.sources.credentials import Secret, SecretReference
from riskset_node.sources.redcap_project import file_export
from riskset_node.sources.redcap_project.interface import RedcapInterface
from riskset_node.sources.redcap_project.rows import OF_ROWS, Instance, one_a_record
from riskset_node.sources.redcap_project.rows import Field as RedcapField
from riskset_node.sources.source import Examined, SourceSettings, check_header

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def _secure_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError("an address holds no name and no password. Write the token under token.")
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in _THIS_MACHINE:
        return url
    raise ValueError(
        f"{url!r} is no address of an API over TLS. Write https://HOST/api/, as the project's API page shows it."
    )


class RedcapSettings(SourceSettings):
    """A REDCap project, as node.yaml describes it: `url` and `token`, or `path` of a raw CSV export."""

    HAS_EVENTS: ClassVar[bool] = True

    kind: Literal["redcap"]
    url: Annotated[str, AfterValidator(_secure_address)] | None = None
    token: Secret | None = None
    report: int | None = Field(default=None, ge=1)
    path: Path | None = None
    event: str | None = None
    instance: Instance | None = None
    ca: Path | None = None
    timeout: int = Field(default=120, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) != (self.token is None) or (self.url is None) == (self.path is None):
            raise ValueError(
                "give url and token (the project's interface), or path (a raw CSV export), and not both."
            )
        if self.path is not None:
            over = [key for key in ("report", "ca", "timeout") if key in self.model_fields_set]
            if over:
                raise ValueError(f"{', '.join(over)}: for the interface only, and path is given.")
        return self


class RedcapSource:
    """A project, one row a record. Values are the raw ones: codes and ISO dates, whatever the forms show."""

    kind = "redcap"
    settings = RedcapSettings
    ordered = False

    def is_live(self, settings: RedcapSettings) -> bool:
        """The interface is; an export is what it was."""
        return settings.url is not None

    def place(self, settings: RedcapSettings) -> str:
        """The path of the export, or the host of the interface."""
        return str(settings.path) if settings.path is not None else _interface(settings).place

    def header(self, settings: RedcapSettings) -> tuple[str, ...]:
        """Names of the columns, the record id first."""
        if settings.path is not None:
            return tuple(
                name for name in file_export.header_of(settings.path) if name not in OF_ROWS
            )
        if settings.report is not None:
            rows = _interface(settings).report(settings.report)
            return tuple(name for name in (rows[0] if rows else {}) if name not in OF_ROWS)
        return _interface(settings).export_names()

    def read(self, settings: RedcapSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns, one row a record; the event of a field may differ from column to column."""
        header, place = self.header(settings), self.place(settings)
        fields = {column: RedcapField.of(column, settings.event) for column in columns}
        check_header(header, [field.name for field in fields.values()], place)
        record_id = header[0]
        rows = _rows(settings, record_id, fields)
        return one_a_record(rows, record_id, fields, settings.instance, place)

    def examined(self, settings: RedcapSettings, columns: Sequence[str]) -> Iterator[Examined]:
        """The project's title, REDCap's version, what the token may do, and whether every field comes back."""
        if settings.url is None:
            return
        project = _interface(settings)
        about = project.project()
        yield Examined(f"project {about.get('project_title', '')!r}")
        try:
            rights = project.ask("user")
        except NodeConfigError:
            yield Examined("the token's rights cannot be seen", warns=False)
        else:
            if any(row.get("api_import") == "1" for row in rights):
                yield Examined(
                    f"{project.place}: API import is allowed to a user of this project: ask for a token without it. riskset only reads.",
                    warns=True,
                )
        fields = {column: RedcapField.of(column, settings.event) for column in columns}
        first = next(iter(_rows(settings, self.header(settings)[0], fields)), None)
        yield Examined(
            "no record came back" if first is None else f"{len(fields)} fields came back"
        )


def _interface(settings: RedcapSettings) -> RedcapInterface:
    token = settings.token
    if settings.url is None or not isinstance(token, SecretReference):
        raise NodeConfigError("data.source: the project's interface needs url and token.")
    return RedcapInterface(settings.url, token, settings.ca, settings.timeout)


def _rows(
    settings: RedcapSettings, record_id: str, fields: Mapping[str, RedcapField]
) -> Iterator[Mapping[str, str]]:
    if settings.path is not None:
        return file_export.rows_of(settings.path)
    if settings.report is not None:
        return iter(_interface(settings).report(settings.report))
    names = [field.name for field in fields.values() if field.name != record_id]
    events = [field.event for field in fields.values() if field.event is not None]
    return _interface(settings).records(
        record_id, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(events))
    )
