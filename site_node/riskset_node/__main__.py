"""`python -m riskset_node` is the command `riskset-node`."""

from riskset_node.cli import main

main()
