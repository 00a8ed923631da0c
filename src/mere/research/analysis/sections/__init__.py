"""The report's sections, a function for each analysis: words, charts and tables on a page."""
