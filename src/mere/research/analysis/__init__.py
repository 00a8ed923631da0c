"""What transfers between languages, and where in the network: one file per analysis, one report of them all."""
