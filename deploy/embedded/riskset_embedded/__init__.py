"""Every party of a run in one process: the demonstration, tests, notebooks, and a plan's rehearsal on one's own machine."""
