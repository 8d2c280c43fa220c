"""Drafting node.yaml: what a look at the file can propose, each with its reason, and a question where it cannot."""
