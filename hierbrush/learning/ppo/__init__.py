"""PPO on whole batches: runners, connectors, learners and modules for one level and for both."""
