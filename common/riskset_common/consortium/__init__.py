"""Who takes part: the roster, the keys that govern it, and how a site joins."""
