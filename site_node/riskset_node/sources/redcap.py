"""REDCap projects: over their interface, with a token that may export, or from a raw CSV export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from riskset_common.errors import DataError, NodeConfigError
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
    if parts.query or parts.fragment:
        raise ValueError(
            "an address of an API ends in /api/, with nothing after a ? or a #. Write the token under token."
        )
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
            if not rows:
                raise DataError(
                    f"{self.place(settings)}: report {settings.report} has no rows. Look at it in REDCap."
                )
            return tuple(name for name in rows[0] if name not in OF_ROWS)
        return _interface(settings).export_names()

    def read(self, settings: RedcapSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns, the record id first, one row a record; the event of a field may differ from column to column."""
        header, place = self.header(settings), self.place(settings)
        fields = {column: RedcapField.of(column, settings.event) for column in columns}
        check_header(header, [field.name for field in fields.values()], place)
        record_id = _record_id(settings, header, fields[columns[0]].name, place)
        rows = _rows(settings, record_id, fields)
        return one_a_record(rows, record_id, fields, settings.instance, place)

    def examined(self, settings: RedcapSettings, columns: Sequence[str]) -> Iterator[Examined]:
        """The project's title, what its users may do, and whether every field comes back; `columns` has the record id first."""
        if settings.url is None:
            return
        project = _interface(settings)
        yield Examined(f"project {project.project().get('project_title', '')!r}")
        try:
            rights = project.ask("user")
        except NodeConfigError:
            yield Examined("the token's rights cannot be seen")
        else:
            if any(row.get("api_import") == "1" for row in rights):
                yield Examined(
                    f"{project.place}: API import is allowed to a user of this project. If it is the token's user, ask for a token "
                    "without it: riskset only reads.",
                    warns=True,
                )
        fields = {column: RedcapField.of(column, settings.event) for column in columns}
        record_id = _record_id(
            settings, self.header(settings), fields[columns[0]].name, project.place
        )
        first = next(iter(_rows(settings, record_id, fields)), None)
        yield Examined(
            "no record came back" if first is None else f"{len(fields)} fields came back"
        )


def _record_id(settings: RedcapSettings, header: Sequence[str], patient: str, place: str) -> str:
    """The field by which rows are of one record: the project's first, which must be the one that data.patient names."""
    own = header[0] if settings.report is None else _interface(settings).export_names()[0]
    if patient != own:
        raise NodeConfigError(
            f"data.patient: the rows of {place} are of one record by the project's record id {own!r}, and node.yaml names {patient!r}. "
            f"Write patient: {own}."
        )
    return own


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
