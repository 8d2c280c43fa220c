"""Secure sums (`sums/`), and Cox models on shares (`blind/`): what the centre reads of many sites is a sum or a fit and nothing else.

Read `sums/protocol.py` and `blind/protocol.py` first: each is one function that runs every party in order. `sums/secure_sum.md` and
`blind/blind.md` argue why.
"""
