"""The sources of patient records. To add one: a module with its settings and its reader, and a line here."""

from __future__ import annotations

from typing import Any, Final

from riskset_node.sources.adam import AdamSource
from riskset_node.sources.csv import CsvSource
from riskset_node.sources.cut import CutSource
from riskset_node.sources.excel import ExcelSource
from riskset_node.sources.parquet import ParquetSource
from riskset_node.sources.redcap import RedcapSource
from riskset_node.sources.sas import SasSource
from riskset_node.sources.source import Source
from riskset_node.sources.spss import SpssSource
from riskset_node.sources.sql import SqlSource
from riskset_node.sources.stata import StataSource

SOURCES: Final[tuple[Source[Any], ...]] = (
    CsvSource(),
    ParquetSource(),
    SasSource(),
    SpssSource(),
    StataSource(),
    ExcelSource(),
    CutSource(),
    AdamSource(),
    RedcapSource(),
    SqlSource(),
)


def source_of(kind: str) -> Source[Any]:
    """The source of a kind. A node.yaml that was read names only kinds that exist."""
    return next(source for source in SOURCES if source.kind == kind)
