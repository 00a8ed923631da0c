"""Graphs from documents: RDF, GraphML, Neo4j, Cypher, CSV and HTML, written as a stream.

Nodes are what mentions denote, relationships are triples, and each comes with its provenance: document, offsets,
score and model. `mere.graph.write` is the way in; everything here works on `mere.types.Document` alone.
"""
