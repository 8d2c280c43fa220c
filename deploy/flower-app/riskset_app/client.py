"""No site runs this: a site node answers with its own installed release. A stock SuperNode finds nothing to run here."""

from flwr.clientapp import ClientApp

app = ClientApp()
