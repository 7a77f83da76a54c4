"""A font of one's own: TrueType files from what the brush writes."""

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names

if TYPE_CHECKING:
    from hierbrush.fonts.charsets import CHARSETS, charset
    from hierbrush.fonts.font import FontInterrupted, FontReport, write_font

__all__ = ["CHARSETS", "FontInterrupted", "FontReport", "charset", "write_font"]

__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.fonts.charsets": ("CHARSETS", "charset"),
        "hierbrush.fonts.font": ("FontInterrupted", "FontReport", "write_font"),
    },
)
