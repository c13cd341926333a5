"""The models of this installation: found by name, behind connections, limited, priced, masked."""

__all__ = [
    "chosen_default",
    "connection_models",
    "facts",
    "key_masking",
    "probe",
    "registry",
]
