"""What ``make bench`` runs."""

from benchmarks.bench_sim import main

main()
