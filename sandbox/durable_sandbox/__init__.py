"""A Salesforce-compatible server with production-like data, for trying pipelines without an account."""
