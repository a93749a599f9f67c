"""Rows of tokens through a transformers model, many at a time: nothing padded, what they share once."""
