"""What an event costs in CPU time, by workers and scopes."""
