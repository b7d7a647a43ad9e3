"""What the command `glovestore` needs beside the library: messages, tables, files of tokens, the demo."""
