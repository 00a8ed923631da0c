"""Assembly only: forward() reads like the figure."""
