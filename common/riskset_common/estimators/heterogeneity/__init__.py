"""How much an effect differs among the sites."""
