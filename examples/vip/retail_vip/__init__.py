"""Rules and a source of a retailer's own, as a package."""
