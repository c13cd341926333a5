"""The web server: connections, headers, addresses, memory, and the worker's fetching."""

__all__ = [
    "client_address",
    "error_pages",
    "fast_lane",
    "fetching",
    "headers",
    "interpreter",
    "memory",
    "middleware",
    "stream_lane",
]
