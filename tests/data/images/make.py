"""Makes the pictures in this folder with Pillow, and the values in them as NumPy has them (.npy beside each).
Run with Pillow and NumPy: python3 make.py. resize_*.npy need TensorFlow: python3 make.py resize; augment_*.npy also SciPy: python3 make.py augment."""
import io
import sys

import numpy as np


def scene(height, width, channels, maximum=255):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((y * 29 + x * 13 + c * 71 + (x * y) % 7 * 5) % (maximum + 1)).astype(np.uint16 if maximum > 255 else np.uint8)


def keep(name, values):
    np.save(name + ".npy", values if values.ndim == 3 else values[:, :, None])


def pictures():
    import struct
    import zlib

    from PIL import Image

    for mode, channels in {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}.items():
        values = scene(7, 9, channels)
        Image.fromarray(values[:, :, 0] if channels == 1 else values, mode).save(f"{mode.lower()}.png")
        keep(f"{mode.lower()}.png", values)
    palette = Image.fromarray(scene(7, 9, 3), "RGB").quantize(16)
    palette.save("palette.png")
    keep("palette.png", np.asarray(palette.convert("RGB")))
    bilevel = Image.fromarray(scene(7, 9, 1)[:, :, 0] > 99)
    bilevel.save("one_bit.png")
    keep("one_bit.png", np.asarray(bilevel).astype(np.uint8) * 255)

    # Pillow writes no such files: 16 bits of colour, and Adam7.
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def png(width, height, depth, colour, interlace, raw):
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
                + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))

    wide = scene(7, 9, 3, 65535) * 37
    open("rgb16.png", "wb").write(png(9, 7, 16, 2, 0, b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)))
    np.save("rgb16.png.npy", wide.astype(np.int32))
    grey = scene(7, 9, 1)[:, :, 0]
    raw = b""
    for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        part = grey[y0::dy, x0::dx]
        if part.size:
            raw += b"".join(b"\0" + row.tobytes() for row in part)
    open("adam7.png", "wb").write(png(9, 7, 8, 0, 1, raw))
    keep("adam7.png", grey)

    y, x = np.mgrid[0:24, 0:31]
    smooth = np.stack([(y * 5 + x * 3) % 256, (y * 9) % 256, 255 - x * 6], -1).astype(np.uint8)
    for name, mode, options in (("rgb.jpg", "RGB", {}), ("progressive.jpg", "RGB", {"progressive": True}), ("l.jpg", "L", {}),
                                ("cmyk.jpg", "CMYK", {})):
        data = io.BytesIO()
        Image.fromarray(smooth).convert(mode).save(data, "jpeg", quality=90, **options)
        open(name, "wb").write(data.getvalue())
        keep(name, np.asarray(Image.open(data).convert("RGB") if mode == "CMYK" else Image.open(data)))


def resized():
    import tensorflow as tf

    values = np.random.default_rng(0).random((2, 6, 7, 3), np.float32)
    for method in ("nearest", "bilinear", "area"):
        for height, width in ((3, 4), (6, 7), (9, 5), (13, 20), (1, 1), (2, 7)):
            np.save(f"resize_{method}_{height}x{width}.npy", tf.image.resize(values, (height, width), method=method).numpy())
    np.save("resize_x.npy", values)


def augmented():
    import types

    import scipy.ndimage

    scipy.ndimage.interpolation = types.SimpleNamespace(affine_transform=scipy.ndimage.affine_transform)
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    rng = np.random.default_rng(1)
    pictures = {"square": rng.random((8, 8, 3), np.float32) * 255, "wide": rng.random((5, 9, 1), np.float32) * 255}
    transforms = [dict(tx=2, ty=-1), dict(tx=1.25, ty=-0.5), dict(theta=30), dict(shear=20), dict(zx=0.7, zy=1.4),
                  dict(theta=-75, tx=0.5, ty=9.25, shear=-15, zx=1.3, zy=0.8, flip_horizontal=True),
                  dict(flip_vertical=True, channel_shift_intensity=40.0), dict(brightness=0.6), dict(brightness=1.7)]
    for name, x in pictures.items():
        np.save(f"augment_{name}.npy", x)
        for fill_mode in ("nearest", "constant", "reflect", "wrap"):
            for order in (0, 1):
                generator = ImageDataGenerator(fill_mode=fill_mode, cval=7.0, interpolation_order=order)
                np.save(f"augment_{name}_{fill_mode}_{order}.npy",
                        np.stack([generator.apply_transform(x.copy(), t).astype(np.float32) for t in transforms]))
    np.save("augment_standardized.npy", ImageDataGenerator(rescale=0.5, samplewise_center=True, samplewise_std_normalization=True)
            .standardize(pictures["square"].copy()))
    batch = rng.random((6, 4, 5, 3), np.float32)
    generator = ImageDataGenerator(rescale=2.0, featurewise_center=True, featurewise_std_normalization=True)
    generator.fit(batch)
    np.save("augment_featurewise_x.npy", batch)
    np.save("augment_featurewise.npy", generator.standardize(batch[1].copy()))
    # Not those of 5 rows: for fill mode reflect SciPy begins its filter with a value that it has changed by then, which shows in few rows.
    splines = {"long": rng.random((14, 12, 1), np.float32) * 255, "short": pictures["square"]}
    for name, x in list(splines.items()):
        for fill_mode in ("nearest", "constant", "reflect", "wrap"):
            for order in (2, 3, 4, 5):
                generator = ImageDataGenerator(fill_mode=fill_mode, cval=7.0, interpolation_order=order)
                splines[f"{name}_{fill_mode}_{order}"] = np.stack(
                    [generator.apply_transform(x.copy(), t).astype(np.float32) for t in transforms[:6]])
    np.savez_compressed("augment_splines.npz", **splines)
    whitened = {}
    for name, count in (("many", 30), ("few", 5)):  # more pictures than values, and fewer
        x = rng.random((count, 3, 2, 2), np.float32) * np.float32([3, 1])
        generator = ImageDataGenerator(rescale=2.0, zca_whitening=True, zca_epsilon=0.1)
        generator.fit(x)
        whitened[name] = x
        whitened[name + "_white"] = np.stack([generator.standardize(image.copy()) for image in x])
    np.savez("augment_whitened.npz", **whitened)


{"resize": resized, "augment": augmented}[sys.argv[1]]() if len(sys.argv) > 1 else pictures()
