"""The centre's own folder: centre.yaml, keys, certificates."""
