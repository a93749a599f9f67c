"""`/v1/fine_tuning`: jobs, their curves, forecasts and checkpoints."""
