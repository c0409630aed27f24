"""Packs the two image sets that Sinter carries into embedded/letters.bin and embedded/digits.bin, and writes letters_fonts.csv.

Run by hand when the sets change (the results are committed):
    python3 pack_datasets.py letters-free.tar.gz letters-free-fonts.csv digits.csv.gz

A blob is one zlib stream of: "SDS1", image count, pixels an image, training images (three little-endian uint32), one label byte an
image, then the pixels at 4 bits each, the first of two in the high half; the training images come first.
"""
import csv
import gzip
import hashlib
import pathlib
import struct
import sys
import tarfile
import zlib

FOLDER = pathlib.Path(__file__).parent
LETTERS = "ABCDEFGHIJ"
# The package ships its font as TrueType and as OpenType; the second file has no line of its own in the table.
SECOND_FORMATS = {"Play-Bold-2": "Play-Bold", "Play-Regular-2": "Play-Regular"}
# Liberation is made from Croscore's outlines and Carlito from Lato's: for the split they are one family.
SAME_FAMILY = {"fonts-liberation2": "fonts-croscore", "fonts-crosextra-carlito": "fonts-lato"}
TEST_FONTS = 55  # a sixth


def decode_png(data):
    """The rows of an 8-bit grey PNG, unfiltered."""
    at, stream, width, height = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunk)
            assert (depth, colour, interlace) == (8, 0, 0)
        elif kind == b"IDAT":
            stream += chunk
    raw, rows, above = zlib.decompress(stream), [], bytes(width)
    for y in range(height):
        kind, row = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1:(y + 1) * (width + 1)])
        for x in range(width):
            left, up, corner = row[x - 1] if x else 0, above[x], above[x - 1] if x else 0
            nearest = min((abs(up - corner), 0, left), (abs(left - corner), 1, up),
                          (abs(left + up - 2 * corner), 2, corner))[2]
            row[x] = row[x] + (0, left, up, (left + up) // 2, nearest)[kind] & 255
        above = bytes(row)
        rows.append(above)
    return b"".join(rows)


def pack(images, labels, train):
    """images: sequences of 0..15."""
    nibbles = b"".join(bytes(image[i] << 4 | image[i + 1] for i in range(0, len(image), 2)) for image in images)
    head = b"SDS1" + struct.pack("<III", len(images), len(images[0]), train)
    return zlib.compress(head + bytes(labels) + nibbles, 9)


def letters(archive, table):
    with tarfile.open(archive) as tar:
        png = {tuple(m.name.split("/")[-2:]): tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
    with open(table, newline="") as file:
        rows = {row["font"]: row for row in csv.DictReader(file)}
    for second, first in SECOND_FORMATS.items():
        rows[second] = {**rows[first], "font": second}
    assert {(letter, font + ".png") for letter in LETTERS for font in rows} == set(png)

    # Families in the order of a hash, which favours none; the first ones that make a sixth of the fonts are the test side.
    families = {}
    for font in sorted(rows):
        package = rows[font]["debian_package"]
        families.setdefault(SAME_FAMILY.get(package, package), []).append(font)
    test, train = [], []
    for family in sorted(families, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        (test if len(test) < TEST_FONTS else train).extend(families[family])

    with open(FOLDER / "letters_fonts.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["font", "debian_package", "licence", "side"])
        for side, fonts in (("train", train), ("test", test)):
            out.writerows([font, rows[font]["debian_package"], rows[font]["licence"], side] for font in fonts)
    images = [[(value + 8) // 17 for value in decode_png(png[letter, font + ".png"])]
              for font in train + test for letter in LETTERS]
    return pack(images, list(range(10)) * len(rows), 10 * len(train))


def digits(table):
    with gzip.open(table, "rt") as file:
        rows = [[int(value) for value in row] for row in csv.reader(file)]
    # 17 levels become 16; the half rounds up.
    return pack([[(value * 15 + 8) // 16 for value in row[:64]] for row in rows], [row[64] for row in rows], 1437)


if __name__ == "__main__":
    archive, fonts, digit_table = sys.argv[1:]
    (FOLDER / "embedded/letters.bin").write_bytes(letters(archive, fonts))
    (FOLDER / "embedded/digits.bin").write_bytes(digits(digit_table))
