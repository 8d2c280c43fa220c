"""The types of results, and how they are written and read."""
