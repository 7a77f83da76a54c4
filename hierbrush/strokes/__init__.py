"""Strokes: the 38 types, what one stroke should look like, and how it gets written."""
