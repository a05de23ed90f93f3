"""Runs one Python model for Muster: the runtime link, the loaders of each format, and the proof of a model.

Standard library only; numpy, pandas and the model's own libraries are used where the environment has them.
"""

VERSION = "0.1.0"
