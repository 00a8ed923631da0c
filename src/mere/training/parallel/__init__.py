"""Training in several processes: who does what, split batches, sharded parameters."""
