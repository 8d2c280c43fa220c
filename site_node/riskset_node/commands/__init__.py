"""The command `riskset-node`."""
