"""HTTP calls that users ask for: limits on addresses, time and size."""

__all__ = ["addresses", "guarded_connector", "guarded_http", "name_lookups"]
