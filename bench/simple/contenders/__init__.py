"""One module a contender: `python -m bench.simple.contenders.NAME BOOTSTRAP TOPIC COUNT`, in its own environment."""
