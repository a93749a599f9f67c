"""`python -m tunesmith.train`: a door to the command, which is `cli/standalone.py`'s."""

import sys

from tunesmith.cli.standalone import main

if __name__ == "__main__":
    sys.exit(main())
