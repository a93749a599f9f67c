"""HTTP as every route speaks it: bodies in, errors and streams out."""
