"""Whether CUDA can load on this machine: its driver, and its libraries."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
from pathlib import Path

_LINUX_DRIVER = Path("/proc/driver/nvidia/version")
_WSL_DRIVER = Path("/usr/lib/wsl/lib/libcuda.so.1")


def nvidia_driver(
    version_file: Path = _LINUX_DRIVER, wsl_library: Path = _WSL_DRIVER
) -> str | None:
    """A text that changes with the NVIDIA driver; None if there is no driver. Loads nothing.

    Linux within Windows (WSL2) uses Windows' driver: it has the library, but no version file.
    """
    if sys.platform == "win32":
        library = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll"
        return str(library.stat().st_mtime_ns) if library.exists() else None
    try:
        return version_file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return str(wsl_library.stat().st_mtime_ns) if wsl_library.exists() else None


def preload_cuda() -> None:
    """Load CUDA's libraries, or raise the reason. For the worker: it takes seconds and memory.

    If asked for CUDA where it cannot load, onnxruntime prints alarming lines and falls back to the
    CPU, so it is asked only once every library is known to load.

    Raises:
        RuntimeError: Why CUDA cannot be used, on one line.
    """
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise RuntimeError("this build of onnxruntime has no CUDA: install onnxruntime-gpu")
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        raise RuntimeError("there is no NVIDIA driver on this machine") from None
    devices = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(devices)) or not devices.value:
        raise RuntimeError("the NVIDIA driver finds no device")
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()  # it prints what is missing, instead of raising
    before, after = ("", ".dll") if sys.platform == "win32" else ("lib", ".so")
    folder = Path(onnxruntime.__file__).parent / "capi"
    try:
        for name in ("shared", "cuda"):  # the second needs the first
            library = folder / f"{before}onnxruntime_providers_{name}{after}"
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        missing = str(error).partition(":")[0]
        raise RuntimeError(f"CUDA cannot load {missing}: install CUDA 13 and cuDNN 9") from None
