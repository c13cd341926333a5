"""A battery of faults: kills, freezes and restarts of real processes, and what must hold after."""
