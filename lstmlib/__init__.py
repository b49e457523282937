"""The companion library of *The Executable LSTM*: its equations as tested code.

Importing it is cheap: NumPy, PyTorch and matplotlib come in only with the subpackage that needs
them.
"""

__version__ = "0.1.0"
