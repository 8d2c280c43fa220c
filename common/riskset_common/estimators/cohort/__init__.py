"""The patients of an analysis: causes, groups, exposures."""
