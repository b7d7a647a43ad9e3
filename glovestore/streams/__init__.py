"""Files as blocks of bytes, whatever they are wrapped in (pipes, compression, archives), and as lines of text."""
