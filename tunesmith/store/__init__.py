"""What must survive: rows in a database and whole objects beside it.

Functions here are synchronous and know no job logic: which state may follow which is `jobs/`'s business.
"""
