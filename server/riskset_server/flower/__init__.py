"""Flower at the centre."""
