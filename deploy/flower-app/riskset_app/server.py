"""No centre runs this: its driver is part of the installed riskset-server. A stock SuperExec finds nothing to run here."""

from flwr.serverapp import ServerApp

app = ServerApp()
