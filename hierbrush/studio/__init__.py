"""The page to watch the brush: the files that it is made of, and the server on loopback that answers it."""
