"""`python -m mere` is `mere`."""

from mere.cli import main

if __name__ == "__main__":
    main()
