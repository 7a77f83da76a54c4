"""What every kind of training needs: jobs, checkpoints, logs, Ray sessions, trials side by side, weights and cards."""
