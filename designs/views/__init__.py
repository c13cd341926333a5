"""The pages of designs, by noun."""
