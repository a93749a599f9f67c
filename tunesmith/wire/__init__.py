"""What OpenAI says: requests with their limits, responses with their required keys. No logic of the
product."""
