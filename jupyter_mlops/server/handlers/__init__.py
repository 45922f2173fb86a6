"""A resource each."""
