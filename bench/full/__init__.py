"""The whole metering path beside a bare consumer and idiomatic Faust."""
