"""Analyses made of curves and models."""
