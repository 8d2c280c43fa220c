"""Strict reading and writing of text: YAML that people write, canonical JSON that is hashed."""
