"""Measurements: what Sluice adds to Claude's API, beside the same calls made directly. See README.md."""
