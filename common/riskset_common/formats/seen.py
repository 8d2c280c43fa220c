"""Texts as a person sees them: two that look alike are one, however a program wrote them."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BLANKS = re.compile(r"\s+")


def as_seen(text: str) -> str:
    """A text in composed Unicode (NFC), without characters that nobody sees, and one blank for any run of blanks between words."""
    if text.isascii():
        return " ".join(text.split())
    return _BLANKS.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", text))).strip()
