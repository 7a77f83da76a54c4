"""Behaviour cloning of the composer: the expert, what is practised beside it, and the learner."""
