"""Array types, linear algebra and distributions that the other rooms rest on."""
