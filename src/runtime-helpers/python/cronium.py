"""Cronium's name for the same helpers."""
from runyard import *  # noqa: F401,F403
from runyard import __all__  # noqa: F401
