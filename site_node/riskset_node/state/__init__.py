"""The memory of a site: one file, one transaction a step."""
