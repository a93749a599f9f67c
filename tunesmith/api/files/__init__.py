"""`/v1/files` and `/v1/uploads`: bytes in, and what is known of a training file."""
