"""Re-attribution: whose a charge of a closed bill is, said afterwards by a rule, and told as a correction."""
