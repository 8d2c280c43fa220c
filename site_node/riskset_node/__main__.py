"""`python -m riskset_node` is the command `riskset-node`."""

from riskset_node.commands.riskset_node import main

main()
