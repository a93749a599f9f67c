"""`/v1/responses` and `/v1/conversations`, which stand on chat."""
