"""Office work done with workshop tools: here rows meet tensors. One job, one process."""
