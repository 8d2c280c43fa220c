"""Data cuts: made by a person, or for a session; and what differs between two."""
