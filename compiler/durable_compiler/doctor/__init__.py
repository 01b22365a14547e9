"""What a pipeline needs of its surroundings, looked at before a run does: one check a concern, all in one table."""
