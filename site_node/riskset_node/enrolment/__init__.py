"""Joining a consortium, and checking that everything is in place."""
