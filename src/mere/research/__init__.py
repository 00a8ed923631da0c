"""Experiments under equal budgets: results files, and the tables in the docs that are made from them."""
