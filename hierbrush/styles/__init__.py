"""Fonts and pictures as goals: strokes found in ink, and what the characters of one hand have in common."""
