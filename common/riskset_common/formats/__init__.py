"""How text is read and written strictly: YAML that people write, canonical JSON that is hashed."""
