"""Writing drafts so that two editors lose nothing: revisions, checkpoints, presence."""

__all__ = ["checkpoints", "news", "presence", "writing"]
