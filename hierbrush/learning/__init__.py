"""Training with RLlib: the only package of hierbrush that imports Ray or torch.

Import its modules directly; ``hierbrush.learning.config`` needs neither of the two.
"""
