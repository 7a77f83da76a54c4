"""Guided policy search: a policy is taught what a search would have done in the states that it visits itself."""
