"""Blue and green: a new version is loaded beside the tables in use, compared with them, and put in their place."""
