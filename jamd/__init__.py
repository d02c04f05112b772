"""A MIDI daemon that jams with you: the contract that its live and its learning side share."""

import os

__version__ = "0.1.0"

# onnxruntime reports its use to Microsoft unless it is told otherwise before it is loaded. jamd and
# the processes that it starts keep what they do to themselves.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
