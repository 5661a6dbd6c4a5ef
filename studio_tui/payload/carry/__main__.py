"""`python3 -m carry FOLDER`; see serve."""

import sys

from .serve import main

sys.exit(main(sys.argv[1:]))
