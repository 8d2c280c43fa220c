"""Whole studies on this machine."""
