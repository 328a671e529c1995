"""A seeded synthetic market: profile, generator, stylised facts, and the fit of a profile to a tape."""
