"""Where exports are deployed: one file a kind of place."""
