"""The server of the comparison."""

from orchestra.asgi import application

__all__ = ["application"]
