"""One small file for each kind of file that a sheet is saved as."""
