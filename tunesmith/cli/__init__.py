"""The command line: a client over HTTP, and the few commands that need no server."""
