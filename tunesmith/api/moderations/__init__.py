"""`/v1/moderations`, answered by a model of the operator's."""
