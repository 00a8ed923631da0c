"""How experiments are shown: tables of results, charts, and one self-contained HTML page."""
