"""Anomalies that are put into made-up traffic of several tenants, as detection comes to tell of them."""
