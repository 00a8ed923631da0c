"""The web page: texts in, entities, arcs and graphs to look at; its files are served or written, never built."""
