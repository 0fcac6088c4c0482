"""Odd costs: online models that learn one point at a time, and what is told about what they find.

`detector` scores any series of values; `scopes` applies models to the hours of a scope's spend; `explanation`
says what a difference is made of. Nothing here knows Kafka, a clock or a table.
"""
