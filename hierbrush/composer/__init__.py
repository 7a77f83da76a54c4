"""The composer: from a character's decomposition to which stroke comes next, where, how large and in what shape."""
