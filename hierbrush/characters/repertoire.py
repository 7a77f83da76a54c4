"""The character set that a character was drawn for, which tells its typeface: no geometry, the code point decides.

The outlines come from two typefaces: AR PL KaitiM GB, which holds GB 2312, and AR PL UKai for everything else. They
differ in the size of the ink (UKai's is 3 % larger), in the shapes of components and in where parts meet. Of UKai's
characters those of Big5 stand by themselves, and most of the others are components drawn where they stand in a whole.
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
