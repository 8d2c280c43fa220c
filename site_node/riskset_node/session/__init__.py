"""The site's part in a session."""
