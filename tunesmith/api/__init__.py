"""HTTP: OpenAI's objects in and out. The rules behind them live in `jobs/`, `store/` and `data/`."""
