"""Whom an analysis is of: causes, groups, exposures."""
