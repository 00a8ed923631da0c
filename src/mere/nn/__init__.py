"""The boxes of the figure, one file each: encoders, aggregator, switcher, heads, CRF."""
