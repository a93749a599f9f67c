"""`/v1/batches`: files of requests, asked through the app itself."""
