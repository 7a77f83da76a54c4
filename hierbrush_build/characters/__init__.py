"""The build of the character file from three public packages; see ``docs/data.md``. Not needed for writing."""
