"""The counts of a plan as one system of tables, and the analyses that are made of such counts."""
