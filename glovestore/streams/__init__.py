"""Files as blocks of bytes, whatever they are wrapped in: plain, pipes, compressed, members of archives; and as lines."""
