"""Records changes of rows and sign-ins in the audit."""

__all__ = ["rows", "sign_ins"]
