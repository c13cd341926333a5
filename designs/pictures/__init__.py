"""Pictures of graphs, charts, pictograms and signs of states: SVG made on the server."""

__all__ = ["charts", "pictograms", "svg"]
