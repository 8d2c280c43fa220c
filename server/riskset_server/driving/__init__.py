"""Driving runs: over Flower, from the store, to their end."""
