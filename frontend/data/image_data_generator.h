// ImageDataGenerator: pictures turned, shifted, flipped ... at random, other ones in each epoch, as
// Keras's class of that name makes them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/data/dataset.h"
#include "frontend/data/image.h"
#include "frontend/data/image_folder.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// How far pictures are shifted: a fraction of their side (0.2: up to a fifth to either side, any
/// number of pixels), pixels (4: -3 to 3, whole ones; 2.5: -2.5 to 2.5, any), or one of a list, to
/// either side.
class ShiftRange {
 public:
  template <RealArgument T>
  ShiftRange(T range)  // NOLINT
      : range_(static_cast<double>(range)), is_whole_(!std::is_floating_point_v<T>) {}
  ShiftRange(std::initializer_list<double> choices);
  ShiftRange(std::vector<double> choices);  // NOLINT
  double range() const { return range_; }
  bool is_whole() const { return is_whole_; }
  const std::vector<double>& choices() const { return choices_; }

 private:
  double range_ = 0;
  bool is_whole_ = false;
  std::vector<double> choices_;
};

/// From and to; of one number z: 1 - z to 1 + z.
struct ZoomRange {
  double low = 1, high = 1;
  bool is_whole_zero = false;
  ZoomRange() = default;
  template <RealArgument T>
  ZoomRange(T range)
      : low(1 - static_cast<double>(range)),  // NOLINT
        high(1 + static_cast<double>(range)),
        is_whole_zero(RealNumber(range).is_whole_zero()) {}
  ZoomRange(double from, double to) : low(from), high(to) {}
};

/// What is done to one picture.
struct ImageTransform {
  double theta = 0;       // degrees
  double tx = 0, ty = 0;  // pixels that columns and rows are read further on
  double shear = 0;       // degrees
  double zx = 1, zy = 1;  // below 1: nearer
  bool flip_horizontal = false, flip_vertical = false;
  double channel_shift_intensity = 0;
  std::optional<double> brightness = std::nullopt;
};

struct ImageDataGeneratorOptions {
  bool featurewise_center = false;
  bool samplewise_center = false;
  bool featurewise_std_normalization = false;
  bool samplewise_std_normalization = false;
  /// Takes the mean away, and makes the values of pictures uncorrelated with variance 1, as near to
  /// themselves as that allows. Needs fit().
  bool zca_whitening = false;
  double zca_epsilon = 1e-6;        // beside the singular values of the pictures
  RealNumber rotation_range = 0.0;  // degrees, to either side
  ShiftRange width_shift_range = 0.0;
  ShiftRange height_shift_range = 0.0;
  std::optional<std::pair<double, double>> brightness_range = std::nullopt;
  RealNumber shear_range = 0.0;  // degrees, to either side
  ZoomRange zoom_range = {};
  RealNumber channel_shift_range = 0.0;
  /// What stands beyond the edges: "nearest" (the edge), "constant" (cval), "reflect" or "wrap".
  std::string fill_mode = "nearest";
  double cval = 0;
  bool horizontal_flip = false;
  bool vertical_flip = false;
  std::optional<double> rescale = std::nullopt;  // a factor that is not 0
  /// Of one picture after all that is random, [height, width, channels]; several threads call it.
  Callable<Tensor(const Tensor&)> preprocessing_function = {};
  RealNumber validation_split = 0.0;
  /// 0: the nearest pixel, 1: between the four nearest, 2 to 5: on B-splines of that order.
  int interpolation_order = 1;
  /// Keras shifts columns by height_shift_range and rows by width_shift_range, and turns pictures
  /// that are not square about another point than their centre. True: the same here; false: as the
  /// names say.
  bool keras_exact = false;
};

struct FlowOptions {
  int64_t batch_size = 32;
  bool shuffle = true;
  std::optional<int64_t> seed = std::nullopt;
  Data sample_weight = {};
  std::string subset = "";           // "training" or "validation": the first rows validate
  int threads = Dataset::kAutotune;  // that make pictures
  /// A folder that each picture is written to as it comes, to look at, stretched from its least to
  /// its largest value; named by save_prefix, the number of its row and of the pass over the data.
  std::string save_to_dir = "";
  std::string save_prefix = "";
  std::string save_format = "png";  // or jpg, jpeg, pgm, ppm, pnm
};

struct FlowFromDirectoryOptions {
  ImageSize target_size = {256, 256};
  std::string color_mode = "rgb";  // or "grayscale", "rgba"
  /// Names of subfolders in the order of their labels; default: all, sorted.
  std::vector<std::string> classes = {};
  /// "categorical": one-hot float32 [n, classes]; "binary" (of two classes) and "sparse": float32
  /// [n]; "input": the pictures themselves; "": no labels.
  std::string class_mode = "categorical";
  int64_t batch_size = 32;
  bool shuffle = true;
  std::optional<int64_t> seed = std::nullopt;
  std::string subset = "";  // "training" or "validation": the first files of each class validate
  std::string interpolation = "nearest";  // or "bilinear", "area": those of resize()
  int threads = Dataset::kAutotune;       // that read and make pictures
  std::string save_to_dir = "", save_prefix = "", save_format = "png";  // as in FlowOptions
};

struct ImageDataGeneratorFitOptions {
  bool augment = false;  // learn from pictures changed at random
  int rounds = 1;        // how many of each
  std::optional<int64_t> seed = std::nullopt;
};

/// A handle: copies are the same generator.
class ImageDataGenerator {
 public:
  /// Raises NameError for another fill_mode, Error for numbers that Keras refuses, too. Warns of
  /// ranges and parts of 0 in whole numbers, which 1 / 10 is.
  explicit ImageDataGenerator(ImageDataGeneratorOptions options = {},
                              SourceLocation where = SourceLocation::current());

  /// Takes mean and standard deviation of each channel, for featurewise_center and
  /// featurewise_std_normalization, and the matrix of zca_whitening. Raises ShapeError unless x is
  /// [n, height, width, channels], Error for values that are not finite and, with zca_whitening,
  /// for pictures of more than 12,288 values.
  void fit(const Tensor& x, ImageDataGeneratorFitOptions options = {},
           SourceLocation where = SourceLocation::current()) const;

  /// Batches of random pictures of x, float32, with their labels: a Dataset that ends when all rows
  /// came once, and makes other pictures when it is walked through again. What comes depends on the
  /// seed, not on the number of threads. Raises ShapeError unless x is [n, height, width, channels]
  /// and y has as many rows, Error for featurewise settings without fit().
  Dataset flow(const Tensor& x, FlowOptions options = {},
               SourceLocation where = SourceLocation::current()) const;
  Dataset flow(const Tensor& x, const Tensor& y, FlowOptions options = {},
               SourceLocation where = SourceLocation::current()) const;

  /// The same of files below `folder`, a subfolder a class, that are read when their turn comes;
  /// in float32 of 0 to 255 before they are changed. Raises FileError where there is no folder or
  /// no image, NameError and Error for options that Keras refuses, too; a file that cannot be read
  /// raises FileError when its turn comes.
  ImageDataset flow_from_directory(const std::string& folder, FlowFromDirectoryOptions options = {},
                                   SourceLocation where = SourceLocation::current()) const;

  /// What flow() does to one picture [height, width, channels], of a seed.
  ImageTransform get_random_transform(const Shape& shape, WholeNumber seed,
                                      SourceLocation where = SourceLocation::current()) const;
  /// A picture changed so, float32. Raises ShapeError for another rank.
  Tensor apply_transform(const Tensor& x, const ImageTransform& transform,
                         SourceLocation where = SourceLocation::current()) const;
  /// Normalised as the options say: a copy, float32.
  Tensor standardize(const Tensor& x, SourceLocation where = SourceLocation::current()) const;

 private:
  struct State;
  Handle<State> state_;
};

}  // namespace sinter
