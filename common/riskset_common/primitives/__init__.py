"""Cryptographic parts that know neither a site nor a plan; nothing here is a protocol."""
