"""What travels between centre and sites, byte for byte."""
