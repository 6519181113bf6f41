"""The REST server: Relay's documented API over the same functions as the library."""
