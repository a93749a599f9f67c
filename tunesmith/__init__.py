"""Tunesmith: fine-tuning with OpenAI's wire format, on your own machines and on open weights."""

__version__ = "0.1.0"
