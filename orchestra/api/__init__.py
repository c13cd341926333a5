"""What all apps' APIs share: errors, the OpenAPI document, the reference."""

__all__ = [
    "errors",
]
