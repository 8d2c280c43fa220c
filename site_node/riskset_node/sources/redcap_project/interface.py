"""REDCap's interface: one POST a question, the token in its body; what comes back is JSON, or is refused with what to do."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.formats.json_values import Json
from riskset_common.programs.tls import trusting
from riskset_node.sources.credentials import SecretReference
from riskset_node.sources.redcap_project.rows import EVENT

MOST_BYTES = 256 << 20
"""Of one answer: 500 records of 50,000 numbers. An answer without end would fill the machine."""

RECORDS_AT_ONCE = 500
TOKEN_LENGTHS = (32, 64)

_MEANING = {
    401: "it asks for another sign-on",
    403: "the token is not known, was revoked, or has no right to export. Ask the project's REDCap administrator for one with the right "
    '"API export"',
    404: "nothing is at this address. It ends in /api/",
    501: "REDCap does not know this question. Its version is too old",
}


class RedcapInterface:
    """A project, by its address and token."""

    def __init__(self, url: str, token: SecretReference, ca: Path | None, timeout: int) -> None:
        self.place = f"redcap on {urlsplit(url).netloc}"
        self._url, self._token, self._ca, self._timeout = url, token, ca, timeout

    def ask(self, content: str, **more: str) -> list[dict[str, str]]:
        """The rows of an answer. Raises `NodeConfigError` if it cannot be had, and `DataError` if it is not what REDCap answers."""
        found = self._json(content, more)
        if not isinstance(found, list):
            raise DataError(
                f"{self.place}: the answer to {content} is no list. Is the address that of REDCap's API?"
            )
        rows = []
        for row in found:
            if not isinstance(row, dict):
                raise DataError(
                    f"{self.place}: the answer to {content} is no list of rows. Read again."
                )
            rows.append(
                {str(name): "" if value is None else str(value) for name, value in row.items()}
            )
        return rows

    def project(self) -> dict[str, str]:
        """What the project says of itself: title, version and whether it has events."""
        found = self._json("project", {})
        if not isinstance(found, dict):
            raise DataError(
                f"{self.place}: the answer to project is none of REDCap's. Is the address that of its API?"
            )
        return {str(name): "" if value is None else str(value) for name, value in found.items()}

    def export_names(self) -> tuple[str, ...]:
        """The columns that an export of all fields has, the record id first; a checkbox has one for each box."""
        rows = self.ask("exportFieldNames")
        names = tuple(row["export_field_name"] for row in rows if row.get("export_field_name"))
        if not names:
            raise DataError(
                f"{self.place}: the project has no fields that the token's user may export. Ask its owner for the right."
            )
        return names

    def records(
        self, record_id: str, names: Sequence[str], events: Sequence[str]
    ) -> Iterator[dict[str, str]]:
        """Rows of all records with these columns, of these events or of all.

        The ids are asked first, then so many records at once. Every record must come back in every event that it has a row of. A record
        without a row in these events comes with its id alone.
        """
        every = self._rows((record_id,), (), ())
        ids = list(dict.fromkeys(row[record_id] for row in every))
        expected = {
            _row_of(row, record_id) for row in every if not events or row.get(EVENT) in events
        }
        came: set[tuple[str, ...]] = set()
        for start in range(0, len(ids), RECORDS_AT_ONCE):
            some = ids[start : start + RECORDS_AT_ONCE]
            rows = self._rows((record_id, *names), events, some)
            came.update(_row_of(row, record_id) for row in rows)
            yield from rows
            with_rows = {row[record_id] for row in rows}
            yield from ({record_id: each} for each in some if each not in with_rows)
        if lost := expected - came:
            raise DataError(
                f"{self.place}: {len(lost):,} of {len(expected):,} rows did not come back (such as one of record {min(lost)[0]}). "
                "Read again; if it happens again, tell the REDCap administrator."
            )

    def report(self, number: int) -> list[dict[str, str]]:
        """The rows of a report of the project."""
        return self.ask("report", report_id=str(number), rawOrLabel="raw")

    def _rows(
        self, names: Sequence[str], events: Sequence[str], records: Sequence[str]
    ) -> list[dict[str, str]]:
        asked = {
            **_numbered("fields", dict.fromkeys(name.partition("___")[0] for name in names)),
            **_numbered("events", events),
            **_numbered("records", records),
        }
        rows = self.ask("record", type="flat", rawOrLabel="raw", **asked)
        for row in rows:
            lacking = [name for name in names if name not in row]
            if lacking:
                raise NodeConfigError(
                    f"{self.place}: the answer has no {', '.join(lacking)}. The field is not in the project, or the token's user may "
                    "not export it: ask the project's owner for the right to export these instruments in full."
                )
        return rows

    def _json(self, content: str, more: Mapping[str, str]) -> Json:
        token = self._token.read("data.source.token")
        if len(token) not in TOKEN_LENGTHS or not token.isalnum():
            raise NodeConfigError(
                f"data.source.token: {self._token} holds {len(token)} characters, and a token of REDCap has 32 letters and digits. "
                "Copy it again from the project's API page."
            )
        form = {
            "token": token,
            "content": content,
            "format": "json",
            "returnFormat": "json",
            **more,
        }
        with self._refused():
            status, body = self._post(form)
        if status != 200:
            raise NodeConfigError(
                f"{self.place}: refused ({status}): {_MEANING.get(status, _error_in(body, token))}."
            )
        try:
            found: Json = json.loads(body)
        except (ValueError, RecursionError):
            raise DataError(f"{self.place}: {_no_json(body)}") from None
        if isinstance(found, dict) and "error" in found:
            raise NodeConfigError(f"{self.place}: refused: {_error_in(body, token)}.")
        return found

    def _post(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body. Nothing is followed elsewhere: the token goes to this address and to no other."""
        verify: ssl.SSLContext | bool = True if self._ca is None else trusting(self._authority())
        # A proxy would see what goes to this machine without TLS.
        over_tls = urlsplit(self._url).scheme == "https"
        until = time.monotonic() + self._timeout
        with (
            httpx.Client(
                verify=verify, timeout=self._timeout, follow_redirects=False, trust_env=over_tls
            ) as client,
            client.stream("POST", self._url, data=dict(form)) as answer,
        ):
            if answer.is_redirect:
                there = answer.headers.get("location", "").partition("?")[0] or "another address"
                there = there.replace(form["token"], "(token)")
                raise NodeConfigError(
                    f"{self.place}: sends on to {there}, and a token is not sent after it. "
                    "Write the final address into data.source.url, with https and the slash at its end."
                )
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer has no end")
                if len(body) > MOST_BYTES:
                    raise DataError(
                        f"{self.place}: an answer of more than {MOST_BYTES >> 20} MiB. Map fewer fields, or name a report."
                    )
            return answer.status_code, bytes(body)

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Say what a failed connection means; the errors of httpx hold the request, and with it the token, so none is chained."""
        try:
            yield
        except httpx.TimeoutException:
            raise NodeConfigError(
                f"{self.place}: no answer within {self._timeout} s. Raise data.source.timeout, or map fewer fields."
            ) from None
        except (httpx.RequestError, httpx.InvalidURL, ValueError) as error:
            raise NodeConfigError(
                f"{self.place}: {_in_words(str(error), type(error).__name__)}"
            ) from None

    def _authority(self) -> bytes:
        try:
            return b"" if self._ca is None else self._ca.read_bytes()
        except OSError as error:
            raise NodeConfigError(
                f"data.source.ca: {self._ca} cannot be read ({error.strerror or error}). Check the path."
            ) from None


def _row_of(row: Mapping[str, str], record_id: str) -> tuple[str, ...]:
    return (row[record_id], row.get(EVENT, ""))


def _numbered(name: str, values: Sequence[str] | Mapping[str, object]) -> dict[str, str]:
    return {f"{name}[{number}]": value for number, value in enumerate(values)}


def _in_words(said: str, kind: str) -> str:
    if "certificate has expired" in said:
        return "its certificate has expired. Tell the REDCap administrator."
    if "ostname mismatch" in said or "IP address mismatch" in said:
        return "its certificate is of another name than the one in data.source.url. Write the name that it has."
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return (
            "its certificate is not signed by an authority that this machine knows. Write the file of the hospital's own authority into "
            "data.source.ca."
        )
    if kind in {"RemoteProtocolError", "DecodingError"}:
        return "the answer broke off. Read again."
    return f"it cannot be reached ({kind}). Check data.source.url, the network, and HTTPS_PROXY where there is a proxy."


def _error_in(body: bytes, token: str) -> str:
    """What REDCap says was wrong, on one line, and never the token."""
    try:
        found = json.loads(body)
        said = str(found["error"]) if isinstance(found, dict) and "error" in found else ""
    except (ValueError, RecursionError):
        said = ""
    said = " ".join(said.replace(token, "(token)").split())[:300].rstrip(".")
    return f"REDCap says: {said}" if said else "it does not say why"


def _no_json(body: bytes) -> str:
    if body.lstrip()[:1] == b"<":
        return (
            "answered with a page, and not with data. A sign-on page stands before the API, or the address is not that of the API "
            "(it ends in /api/)."
        )
    return "the answer is cut off, or no JSON. Read again."
