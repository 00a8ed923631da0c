"""One language, however it is spelt."""
