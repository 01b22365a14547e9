"""Where records go: one protocol, an adapter for each system, and the checks that both must pass."""
