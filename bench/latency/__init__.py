"""How long an event takes to be seen and to act, by load."""
