"""Where vectors come from: files as blocks of bytes, and one reader per format."""
