"""The streams: decode, one domain call, write, emit."""
