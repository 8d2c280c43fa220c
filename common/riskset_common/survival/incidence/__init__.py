"""Competing risks: cumulative incidence, Gray's test, Fine and Gray's model."""
