// Image sets: two that the library carries, and readers for MNIST-like folders.
#pragma once

#include <string>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter::datasets {

/// One side of a data set.
struct Split {
  Tensor x;       // float32 [n, pixels], 0..1, row by row, ink 1 on paper 0
  Tensor y;       // float32 [n, classes], one-hot
  Tensor labels;  // int32 [n]
  std::vector<std::string> class_names;
};

/// auto [train, test] = datasets::letters();
struct Dataset {
  Split train, test;
};

/// Letters A-J, 28 x 28, of 331 free fonts: 2,760 images for training, 550 for testing. No font
/// family is on both sides, so the test is on type faces that training never saw. The last rows of
/// the training side hold whole families too: validation_split is as fair.
Dataset letters();

/// Handwritten digits 0-9, 8 x 8 (UCI): the first 1,437 images for training, the last 360 for
/// testing, in the set's own order.
Dataset digits();

/// MNIST as four IDX files, gzipped or not, in `folder`: train-images-idx3-ubyte[.gz] and its three
/// companions.
Dataset mnist(const std::string& folder, SourceLocation where = SourceLocation::current());

/// Fashion-MNIST: the same files, names of clothes as classes.
Dataset fashion_mnist(const std::string& folder, SourceLocation where = SourceLocation::current());

/// The bytes of one IDX file, gzipped or not, as uint8 [n] or [n, rows, columns]. Raises FileError.
Tensor load_idx(const std::string& path, SourceLocation where = SourceLocation::current());

}  // namespace sinter::datasets
