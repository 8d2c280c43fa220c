"""A synthetic cohort of Interfant-06: infants drawn from the published figures by a multi-state model, and the files of 18 study groups."""
