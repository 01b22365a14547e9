"""What a pipeline needs at run time: Salesforce, DuckDB, Snowflake; no compiler and no model."""

RUNTIME_API = 1
