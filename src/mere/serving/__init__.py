"""The HTTP service: extraction behind a queue that batches requests, with limits, metrics and declared errors."""
