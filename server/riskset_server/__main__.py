"""`python -m riskset_server` is the command `riskset`."""

from riskset_server.commands.riskset import main

main()
