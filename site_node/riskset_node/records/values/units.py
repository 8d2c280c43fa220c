"""Units of measurement whose conversion is exact by definition: times, cell counts, masses, volumes and their ratios.

Conversions that need a substance (mmol/L to mg/dL) are not here; node.yaml gives them as `factor`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from riskset_common.study.time_grid import DAYS_PER_UNIT

_NAMES = {
    "hours": ("h", "hour"),
    "days": ("d", "day"),
    "weeks": ("wk", "week"),
    "months": ("mo", "month"),
    "years": ("a", "y", "yr", "year"),
}
_DAYS = {"hours": Fraction(1, 24), **DAYS_PER_UNIT}
_TIMES = {
    spelling: _DAYS[unit] for unit, spellings in _NAMES.items() for spelling in (unit, *spellings)
}
_SHARES = {"1": Fraction(1), "fraction": Fraction(1), "%": Fraction(1, 100)}

_POWER = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_AMOUNT = re.compile(r"([kdcmunpf]?)(g|mol|[lL]|m|IU|U)")
_COUNT = re.compile(r"(?:cells|[x×]?10[\^*](\d{1,2})|([GTK]))?")
_COUNT_POWER = {None: 0, "K": 3, "G": 9, "T": 12}
_CUBIC_MILLIMETRE = re.compile(r"mm\^?3")


_IN_USE = (
    *(
        "hours",
        "days",
        "weeks",
        "months",
        "years",
        "1",
        "%",
        "mm",
        "cm",
        "m",
        "ng",
        "ug",
        "mg",
        "g",
        "kg",
        "mL",
        "L",
    ),
    *(
        "g/dL",
        "g/L",
        "mg/dL",
        "mg/L",
        "ug/L",
        "ng/mL",
        "mmol/L",
        "umol/L",
        "nmol/L",
        "U/L",
        "U/mL",
        "IU/L",
        "IU/mL",
    ),
    *("10^12/L", "10^9/L", "10^6/L", "/uL"),
)
"""Units in which laboratories and clinics write down, one of each size."""


@dataclass(frozen=True)
class _Measure:
    """What a unit measures, and how large it is in that dimension's own unit (days, gram, litre, one cell a litre, ...)."""

    dimension: str
    size: Fraction


def conversion(of: str, to: str) -> Fraction | None:
    """Factor that turns a number in unit `of` into unit `to`; None where definition alone does not give one."""
    if of == to:
        return Fraction(1)
    here, there = _measure(of), _measure(to)
    if here is None or there is None or here.dimension != there.dimension:
        return None
    return here.size / there.size


def in_use_beside(unit: str) -> tuple[str, ...]:
    """Units in use that measure the same as this one, and are of another size."""
    return tuple(other for other in _IN_USE if conversion(other, unit) not in (None, Fraction(1)))


def _measure(unit: str) -> _Measure | None:
    plain = unit.replace(" ", "").replace("µ", "u").replace("μ", "u")
    if plain.lower() in _TIMES:
        return _Measure("time", _TIMES[plain.lower()])
    if plain.lower() in _SHARES:
        return _Measure("share", _SHARES[plain.lower()])
    above, slash, below = plain.partition("/")
    if not slash:
        return _amount(above)
    numerator = _count(above) or _amount(above)
    denominator = _amount(below)
    if numerator is None or denominator is None:
        return None
    return _Measure(
        f"{numerator.dimension}/{denominator.dimension}", numerator.size / denominator.size
    )


def _amount(text: str) -> _Measure | None:
    if _CUBIC_MILLIMETRE.fullmatch(text):
        return _Measure("L", Fraction(1, 10**6))
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    prefix, base = found.groups()
    return _Measure("L" if base == "l" else base, Fraction(10) ** _POWER[prefix])


def _count(text: str) -> _Measure | None:
    found = _COUNT.fullmatch(text)
    if found is None:
        return None
    exponent, letter = found.groups()
    power = int(exponent) if exponent is not None else _COUNT_POWER[letter]
    return _Measure("count", Fraction(10) ** power)
