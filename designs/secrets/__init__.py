"""Secrets at rest (encrypted) and in texts (masked)."""

__all__ = ["encryption", "masking"]
