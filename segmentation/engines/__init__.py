"""Engines: what computes the DataFrame expressions of the core, and keeps files and tables for it."""
