"""`python -m chatd` is the program `chatd`."""

from chatd.cli.program import main

if __name__ == "__main__":
    main()
