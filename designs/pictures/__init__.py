"""Pictures of graphs, pictograms of block types, and signs of states: SVG made on the server."""

__all__ = ["pictograms", "svg"]
