"""RDF: N-Triples and N-Quads, Turtle, JSON-LD; what is said, and in whose words, is in `vocabulary`."""
