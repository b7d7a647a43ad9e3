"""`python -m glovestore` is the command `glovestore`."""

from glovestore.cli import main

main(prog_name="glovestore")
