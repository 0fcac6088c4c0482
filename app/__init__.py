"""The edges: settings, wiring, HTTP, adapters to outside systems. Start reading at `topology`."""
