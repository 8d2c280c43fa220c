"""The sites: admitted, registered, revoked."""
