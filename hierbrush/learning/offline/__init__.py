"""Learning from data: RLlib's own BC, MARWIL and IQL on the data sets of `hierbrush.datasets`, and guided search."""
