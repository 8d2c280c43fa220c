"""The study: codebook, plan, time grid and patients, before anything is estimated."""
