"""The questions that are asked of a Cox model, one a module: what it asks, a site's answer, and what follows."""
