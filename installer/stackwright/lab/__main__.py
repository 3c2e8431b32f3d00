"""`python -m stackwright.lab`: the lab without the rest."""

import sys

from stackwright.lab import main

sys.exit(main(sys.argv[1:]))
