"""Pictures of all pages, to be looked at: `python -m tests.pictures`."""
