"""Every decision, as pure functions over small frozen types; no I/O, clock or environment."""
