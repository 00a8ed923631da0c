"""Reading, checking and sampling corpora. No torch."""
