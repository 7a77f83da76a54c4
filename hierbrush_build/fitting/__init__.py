"""Further training characters, from fonts: what they are made of, and where the font draws their strokes."""
