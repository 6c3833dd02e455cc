"""dni: dynamic number insertion and call attribution, self-hosted."""

__version__ = "0.1.0"
