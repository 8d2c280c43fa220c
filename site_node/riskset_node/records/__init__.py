"""The patients' records: read, coded, derived, checked."""
