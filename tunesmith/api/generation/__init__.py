"""The engine's tokens become text, with stop strings and log-probabilities."""
