"""Data sets in the models of CDISC: read from their files, and the times of their parameters."""
