"""Exporters, one file for each target."""
