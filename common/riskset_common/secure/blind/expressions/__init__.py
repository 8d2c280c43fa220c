"""Formulas on shares: arrays of hidden numbers that are computed when something of them is opened, all in the same openings."""
