"""Other designs that documents name: found, checked, carried in files."""

__all__ = ["files", "places", "problems", "uses"]
