"""A font of one's own: TrueType files from what the brush writes."""

from hierbrush.fonts.charset import CHARSETS, charset
from hierbrush.fonts.font import FontInterrupted, FontReport, write_font

__all__ = ["CHARSETS", "FontInterrupted", "FontReport", "charset", "write_font"]
