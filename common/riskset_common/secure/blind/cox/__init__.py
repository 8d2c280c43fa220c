"""A Cox model on shares: what is public of it, one evaluation, and what is opened at the fit."""
