"""Analyses from counts on the time grid."""
