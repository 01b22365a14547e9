"""Salesforce over one HTTP session: log-in, describe, REST queries and Bulk API 2.0 queries."""
