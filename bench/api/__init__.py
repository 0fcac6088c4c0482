"""What the API answers, how often and how fast."""
