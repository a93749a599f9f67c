"""`/v1/models`, and which model a name means."""
