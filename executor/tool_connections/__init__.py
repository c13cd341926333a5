"""Servers whose tools agents call: connections, what is offered of them, and one guarded call."""

__all__ = [
    "naming",
    "openapi",
    "provider",
    "requests",
    "rereading",
    "sample_server",
    "services",
    "tool_services",
    "tool_texts",
]
