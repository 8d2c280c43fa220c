"""The messages between centre and sites, byte for byte."""
