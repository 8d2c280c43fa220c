"""The consortium: the roster, the keys that govern it, and invitations."""
