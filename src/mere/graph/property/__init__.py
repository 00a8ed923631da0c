"""Property graphs: GraphML, Neo4j's import files and Cypher. Nodes are whole before they are written (`index`)."""
