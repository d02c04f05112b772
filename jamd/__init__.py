"""A MIDI daemon that jams with you: the contract between its live side and its learning side."""

import os

__version__ = "0.1.0"

# onnxruntime reports its use to Microsoft unless this is set before it is loaded. The processes
# that jamd starts inherit it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
