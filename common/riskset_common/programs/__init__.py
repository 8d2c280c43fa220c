"""Shared parts of all command-line programs."""
