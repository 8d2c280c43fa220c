"""Disclosure rules: the released form of an exact result."""
