"""Bills: reading the cost exports of providers into one shape, exactly and once. `docs/billing.md` has the contract.

Read `row.py` for what a row is and when it counts, `editions.py` for which edition of a bill stands, `catalogue.py` for
the formats, and `reading.py` for how a file becomes rows.
"""
