"""Secure sums: sites add up their numbers so that the centre reads the sum and nothing else. `secure_sum.md` argues why.

Read `protocol.py` first: one function that runs every party in order. `session.py` is the site's side, `pool.py` the centre's.
"""
