"""`costguard demo`: the whole system on one machine, a month of a sample company played through it, a tale.

What is printed was read back from the running system (its API and the webhooks it sent) and is checked
against an independent recomputation from the events: `run.run` raises when something does not add up.
"""
