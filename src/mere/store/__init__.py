"""A model on disk: its folder, hashes and card; fetched from and pushed to the Hugging Face Hub."""
