"""English requirements to a reviewed, committed Python package."""
