"""float32 -> int8: weights as integers, activations quantized dynamically."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process


def to_int8(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with the weights of its LSTM and MatMul nodes in int8, a scale for each channel.

    Weights use only 7 bits (`reduce_range`): on a processor without VNNI instructions, sums of
    8-bit products saturate, and the same bundle would play differently on another machine. The
    embedding stays float32: it is small, and quantizing it saves neither time nor much space.
    """
    with tempfile.TemporaryDirectory() as folder:
        ready, quantized = Path(folder) / "ready.onnx", Path(folder) / "int8.onnx"
        # Both only take paths. The shapes that the first infers spare the second a warning.
        quant_pre_process(proto, ready, skip_optimization=True, skip_symbolic_shape=True)
        quantize_dynamic(
            ready,
            quantized,
            op_types_to_quantize=["LSTM", "MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(quantized)
