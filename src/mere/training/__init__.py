"""Stages, the loop (a generator of step reports), checkpoints and run folders."""
