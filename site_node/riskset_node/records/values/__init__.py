"""From the values that a column holds to codes: levels, numbers and days, and what is wrong with them."""
