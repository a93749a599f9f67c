"""One file per step of the schema, numbered; a released step is never edited."""
