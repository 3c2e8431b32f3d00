"""`python -m stackwright` is the command `stackwright`."""

from stackwright.cli import main

raise SystemExit(main())
