"""Benchmarks: each a program of its own; ``python -m benchmarks`` runs those of the simulator."""
