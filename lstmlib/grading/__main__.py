"""``python -m lstmlib.grading``: make, check and grade assignments."""

import sys

from lstmlib.grading.command_line import main

sys.exit(main())
