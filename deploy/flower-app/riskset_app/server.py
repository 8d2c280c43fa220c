"""The centre's entry point: the driver is part of the installed riskset-server."""

from riskset_server.flower.superlink import app

__all__ = ["app"]
