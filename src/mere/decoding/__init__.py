"""From the scores of the heads to entities and facts: numpy only, the same code for every backend."""
