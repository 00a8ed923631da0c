"""From raw text to documents: sentences, language, windows, prediction, merging."""
