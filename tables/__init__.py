"""What is remembered: one module per table, its key, row, retention and one writer."""
