"""Entry points of riskset, and nothing else."""
