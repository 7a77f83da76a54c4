"""Styles that come with hierbrush, each with its card (json) and the licence of the font that it was learned from."""
