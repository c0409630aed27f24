"""Writes the .npy files of this folder with NumPy itself; npy_test.cc holds the values. Run: python3 make_npy.py"""
import numpy as np
from numpy.lib import format as npy

ramp = np.arange(6).reshape(2, 3)
for code in ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
    np.save(f"{code}.npy", ramp.astype("<" + code))
np.save("b1.npy", ramp % 2 == 1)
np.save("f4_big.npy", ramp.astype(">f4"))
np.save("f4_fortran.npy", np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4)))
np.save("f2_special.npy", np.array([1 / 3, -2, 65504, 6e-8, -0.0, np.inf, -np.inf, np.nan], "<f2"))
np.save("scalar.npy", np.float32(2.5))
np.save("empty.npy", np.zeros((0, 3), "<f4"))
np.save("u8_too_large.npy", np.array([2**63], "<u8"))
np.save("c8.npy", ramp.astype("<c8"))
np.save("record.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
for version in (2, 3):
    with open(f"version{version}.npy", "wb") as file:
        npy.write_array(file, ramp.astype("<f4"), (version, 0))
arrays = {"x": ramp.astype("<f4"), "labels": np.arange(3), "flag": np.array(True), "turned": np.asfortranarray(ramp.astype(">i2"))}
np.savez("arrays.npz", **arrays)
np.savez_compressed("compressed.npz", **arrays)
np.savez("numbered.npz", ramp.astype("<f4"), np.arange(3))
