"""Analyses that count patients once."""
