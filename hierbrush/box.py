"""The character box: the square that every character is written in before a layout scales it."""

BOX = 0.12
"""Its side in metres unless told otherwise."""

MIN_BOX, MAX_BOX = 1e-3, 4.0
"""The sides in metres that can be simulated."""
