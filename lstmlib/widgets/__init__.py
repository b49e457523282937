"""Interactive figures: a page's reader plays with them without a kernel.

Each is one call; its data and its still drawing are computed by the library. ``figure`` says how
they work.
"""

from lstmlib.widgets.windows import Windows

__all__ = ["Windows"]
