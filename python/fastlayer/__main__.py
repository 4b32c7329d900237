"""`python -m fastlayer`: the command line."""

from fastlayer.cli import main

if __name__ == "__main__":
    main()
