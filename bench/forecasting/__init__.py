"""Peers of the forecast, in environments of their own."""
