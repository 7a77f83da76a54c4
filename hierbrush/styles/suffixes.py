"""The names' endings by which files that may be copied are told, without loading what reads them."""

FONTS = (".ttf", ".otf", ".ttc", ".otc", ".woff", ".woff2")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm", ".pbm")
