"""What the audit watches: rows, sign-ins, and who acts in a request."""

__all__ = ["middleware", "rows", "sign_ins"]
