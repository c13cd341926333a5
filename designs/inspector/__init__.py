"""The inspector of the designer: controls for every field, made from the types themselves."""

__all__ = ["controls", "templates"]
