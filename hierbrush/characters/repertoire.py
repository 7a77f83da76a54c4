"""The character set that a character was drawn for, which tells its typeface: no geometry, the code point decides.

The outlines come from two typefaces: AR PL KaitiM GB, which holds GB 2312, and AR PL UKai. At equal numbers of strokes
the ink of characters that GB 2312 lacks is 1 to 2 % larger, and what neither GB 2312 nor Big5 holds, components drawn
where they stand in a whole among them, varies most in place and size.
"""

from __future__ import annotations

REPERTOIRES = ("GB 2312", "Big5", "neither")


def repertoire(char: str) -> int:
    """Return the index in `REPERTOIRES` of the first character set that holds ``char``."""
    for number, encoding in enumerate(("gb2312", "big5")):
        try:
            char.encode(encoding)
        except UnicodeEncodeError:
            continue
        return number
    return len(REPERTOIRES) - 1
