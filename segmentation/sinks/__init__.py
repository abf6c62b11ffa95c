"""Sinks: where results are published."""
