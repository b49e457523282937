"""The commands of ``python -m lstmlib``, a file for each model."""
