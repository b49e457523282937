"""``python -m lstmlib.grading``: make, check and grade assignments."""

import signal
import sys

from lstmlib.grading.command_line import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like this, it cleans up too
sys.exit(main())
