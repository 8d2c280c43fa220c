"""`python -m riskset_server` is the command `riskset`."""

from riskset_server.cli import main

main()
