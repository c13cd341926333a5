"""The pages of deployments, keys and schedules, by noun."""
