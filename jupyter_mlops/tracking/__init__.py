"""Metrics: shares of a change, comparisons of series. Pure."""
