"""Entity and triple scores, named by their convention, with intervals and paired tests. No torch."""
