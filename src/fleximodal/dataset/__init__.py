"""Dataset: packed arrays of one task, scaling, batches."""
