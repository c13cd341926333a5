"""Writing drafts so that two editors lose nothing: revisions and checkpoints."""

__all__ = ["checkpoints", "writing"]
