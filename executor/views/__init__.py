"""The pages of executions and of tries."""
