"""Training in several processes: communication, split batches, sharded parameters."""
