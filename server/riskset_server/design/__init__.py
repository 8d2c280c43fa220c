"""Designing a trial before there are patients: how many events and patients a comparison of two arms needs."""

from __future__ import annotations
