"""Many adapters answer at once: one process, one base, continuous batching. Knows no text and no jobs."""
