"""`/v1/organization`: projects, keys, limits, usage and costs."""
