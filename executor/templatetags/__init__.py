"""Template filters of executions."""
