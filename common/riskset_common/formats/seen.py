"""Texts as a person sees them: two that look alike are one, however a program wrote them."""

from __future__ import annotations

import unicodedata

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))


def as_seen(text: str) -> str:
    """A text in composed Unicode (NFC), without characters that nobody sees, and one blank for any run of blanks between words."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_UNSEEN)
    return " ".join(text.split())
