// The exact text of what a user is told when settings or inputs of a layer do not fit.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>

namespace sinter {
namespace {

class LayerErrors : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
};

// The text of the error that `action` raises, with line numbers of this file replaced by N.
template <typename F>
std::string error_of(F action) {
  std::string text = "no error";
  try {
    action();
  } catch (const Error& error) {
    text = error.what();
  }
  const std::string file = "layer_errors_test.cc:";
  for (size_t at = text.find(file); at != std::string::npos; at = text.find(file, at + 1)) {
    size_t end = at + file.size();
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    text.replace(at + file.size(), end - at - file.size(), "N");
  }
  return text;
}

TEST_F(LayerErrors, Normalization) {
  const auto x = Input({3, 4});
  EXPECT_EQ(error_of([&] { LayerNormalization({.axis = {}}); }),
            "LayerNormalization 'layer_normalization' (layer_errors_test.cc:N): axis must name one "
            "axis or more");
  const LayerNormalization far({.axis = 3, .name = "ln"});
  EXPECT_EQ(error_of([&] { far(x); }),
            "LayerNormalization 'ln' (layer_errors_test.cc:N): the input [batch,3,4] has no axis "
            "3");
  const LayerNormalization batch({.axis = {1, 0}, .name = "ln"});
  EXPECT_EQ(error_of([&] { batch(x); }),
            "LayerNormalization 'ln' (layer_errors_test.cc:N): axis 0 is the batch");
  const LayerNormalization twice({.axis = {2, -1}, .name = "ln"});
  EXPECT_EQ(error_of([&] { twice(x); }),
            "LayerNormalization 'ln' (layer_errors_test.cc:N): axis -1 is given twice");
  EXPECT_EQ(error_of([&] {
              LayerNormalization({.name = "ln"})({x, x});
            }),
            "LayerNormalization 'ln' (layer_errors_test.cc:N): takes one input, given 2");
  EXPECT_EQ(error_of([&] { RMSNormalization({.axis = -4, .name = "rms"})(x); }),
            "RMSNormalization 'rms' (layer_errors_test.cc:N): the input [batch,3,4] has no axis "
            "-4");
  EXPECT_EQ(error_of([&] { UnitNormalization({.axis = 3, .name = "unit"})(x); }),
            "UnitNormalization 'unit' (layer_errors_test.cc:N): normalize: float32[batch,3,4] has "
            "no axis 3");
  EXPECT_EQ(error_of([&] { GroupNormalization(0); }),
            "GroupNormalization 'group_normalization' (layer_errors_test.cc:N): groups must be "
            "positive, or -1 for one group a channel, found 0");
  EXPECT_EQ(error_of([&] { GroupNormalization(3, {.name = "groups"})(x); }),
            "GroupNormalization 'groups' (layer_errors_test.cc:N): the 4 channels of [batch,3,4] "
            "cannot be split into 3 equal groups");
  EXPECT_EQ(error_of([&] { GroupNormalization(2, {.axis = 0, .name = "groups"})(x); }),
            "GroupNormalization 'groups' (layer_errors_test.cc:N): axis 0 is the batch");
  EXPECT_EQ(error_of([&] { GroupNormalization(2, {.axis = 5, .name = "groups"})(x); }),
            "GroupNormalization 'groups' (layer_errors_test.cc:N): the input [batch,3,4] has no "
            "axis 5");
  // Built for one number of channels, called with another.
  const LayerNormalization built({.name = "ln"});
  built(x);
  EXPECT_EQ(error_of([&] {
              built(Input({3, 5}));
            }),
            "LayerNormalization 'ln' (layer_errors_test.cc:N): the layer was built with gamma "
            "[4], which does not fit this input: it needs [1,1,5]");
}

TEST_F(LayerErrors, Noise) {
  EXPECT_EQ(error_of([&] { GaussianNoise(1.5); }),
            "GaussianNoise 'gaussian_noise' (layer_errors_test.cc:N): stddev must lie in [0, 1], "
            "found 1.5");
  EXPECT_EQ(error_of([&] { GaussianDropout(1); }),
            "GaussianDropout 'gaussian_dropout' (layer_errors_test.cc:N): rate must lie in [0, 1), "
            "found 1");
  EXPECT_EQ(error_of([&] { AlphaDropout(-0.5); }),
            "AlphaDropout 'alpha_dropout' (layer_errors_test.cc:N): rate must lie in [0, 1), found "
            "-0.5");
  EXPECT_EQ(error_of([&] { SpatialDropout2D(1.5); }),
            "SpatialDropout2D 'spatial_dropout2d' (layer_errors_test.cc:N): rate must lie in [0, "
            "1], found 1.5");
  EXPECT_EQ(error_of([&] {
              SpatialDropout2D(0.5, {.name = "drop"})(Input({3, 4}));
            }),
            "SpatialDropout2D 'drop' (layer_errors_test.cc:N): input must be [batch, rows, "
            "columns, channels], found [batch,3,4]");
  EXPECT_EQ(error_of([&] { SpatialDropout3D(0.5, {.data_format = "last"}); }),
            "SpatialDropout3D 'spatial_dropout3d' (layer_errors_test.cc:N): data_format must be "
            "channels_last or channels_first, found 'last'");
  EXPECT_EQ(error_of([&] { SpatialDropout1D(0.5, {.data_format = "channels_first"}); }),
            "SpatialDropout1D 'spatial_dropout1d' (layer_errors_test.cc:N): data_format must be "
            "channels_last");
}

TEST_F(LayerErrors, Shapes) {
  const auto x = Input({3, 4});
  EXPECT_EQ(error_of([&] {
              Permute({2, 2});
            }),
            "Permute 'permute' (layer_errors_test.cc:N): dims must hold each of 1 to 2 once, found "
            "[2,2]");
  EXPECT_EQ(error_of([&] { Permute({}); }),
            "Permute 'permute_1' (layer_errors_test.cc:N): dims must name one dimension or more");
  EXPECT_EQ(error_of([&] {
              Permute({2, 1, 3}, {.name = "turn"})(x);
            }),
            "Permute 'turn' (layer_errors_test.cc:N): dims [2,1,3] are for samples of 3 "
            "dimensions, found [batch,3,4]");
  EXPECT_EQ(error_of([&] { RepeatVector(0); }),
            "RepeatVector 'repeat_vector' (layer_errors_test.cc:N): n must be positive, found 0");
  EXPECT_EQ(error_of([&] { RepeatVector(2, {.name = "twice"})(x); }),
            "RepeatVector 'twice' (layer_errors_test.cc:N): input must be [batch, features], found "
            "[batch,3,4]");
  EXPECT_EQ(error_of([&] {
              Rescaling({1, 2, 3}, {.name = "scale"})(x);
            }),
            "Rescaling 'scale' (layer_errors_test.cc:N): scale has 3 numbers, the input "
            "[batch,3,4] another number of channels");
  EXPECT_EQ(error_of([&] {
              Rescaling(2, {.offset = {1, 2}, .name = "scale"})(x);
            }),
            "Rescaling 'scale' (layer_errors_test.cc:N): offset has 2 numbers, the input "
            "[batch,3,4] another number of channels");
  EXPECT_EQ(error_of([&] { Rescaling(1 / 255, {.name = "scale"}); }),
            "Rescaling 'scale' (layer_errors_test.cc:N): scale must not be 0, which leaves nothing "
            "of the input; 1 / 255 of whole numbers is 0 in C++: write 1 / 255.0");
}

TEST_F(LayerErrors, Edges) {
  const auto x = Input({3, 4});
  const auto image = Input({3, 4, 2});
  EXPECT_EQ(error_of([&] {
              ZeroPadding1D({1, -1});
            }),
            "ZeroPadding1D 'zero_padding1d' (layer_errors_test.cc:N): padding must not be "
            "negative, found (1, -1)");
  EXPECT_EQ(error_of([&] { ZeroPadding2D(1, {.name = "pad"})(x); }),
            "ZeroPadding2D 'pad' (layer_errors_test.cc:N): input must be [batch, rows, columns, "
            "channels], found [batch,3,4]");
  EXPECT_EQ(
      error_of([&] { ZeroPadding3D(1, {.data_format = "channels_first", .name = "pad"})(x); }),
      "ZeroPadding3D 'pad' (layer_errors_test.cc:N): input must be [batch, channels, dim1, "
      "dim2, dim3], found [batch,3,4]");
  EXPECT_EQ(error_of([&] { ZeroPadding2D(1, {.data_format = "first"}); }),
            "ZeroPadding2D 'zero_padding2d' (layer_errors_test.cc:N): data_format must be "
            "channels_last or channels_first, found 'first'");
  EXPECT_EQ(error_of([&] {
              Cropping1D({2, 1}, {.name = "crop"})(x);
            }),
            "Cropping1D 'crop' (layer_errors_test.cc:N): cropping (2, 1) leaves nothing of axis 1 "
            "of [batch,3,4]");
  EXPECT_EQ(error_of([&] {
              Cropping2D({{1, 1}, {2, 3}}, {.name = "crop"})(image);
            }),
            "Cropping2D 'crop' (layer_errors_test.cc:N): cropping (1, 1), (2, 3) leaves nothing of "
            "axis 2 of [batch,3,4,2]");
  EXPECT_EQ(error_of([&] { Cropping1D(1, {.data_format = "channels_first"}); }),
            "Cropping1D 'cropping1d' (layer_errors_test.cc:N): data_format must be channels_last");
  EXPECT_EQ(error_of([&] { UpSampling1D(0); }),
            "UpSampling1D 'up_sampling1d' (layer_errors_test.cc:N): size must be positive, found "
            "0");
  EXPECT_EQ(error_of([&] {
              UpSampling2D({2, -1});
            }),
            "UpSampling2D 'up_sampling2d' (layer_errors_test.cc:N): size must be positive, found "
            "2, -1");
  EXPECT_EQ(error_of([&] { UpSampling2D(2, {.interpolation = "cubic"}); }),
            "UpSampling2D 'up_sampling2d_1' (layer_errors_test.cc:N): interpolation must be "
            "nearest, bilinear or bicubic, found 'cubic'");
  EXPECT_EQ(error_of([&] { UpSampling3D(2, {.name = "up"})(image); }),
            "UpSampling3D 'up' (layer_errors_test.cc:N): input must be [batch, dim1, dim2, dim3, "
            "channels], found [batch,3,4,2]");
  EXPECT_EQ(error_of([&] { GlobalAveragePooling2D({.name = "mean"})(x); }),
            "GlobalAveragePooling2D 'mean' (layer_errors_test.cc:N): input must be [batch, rows, "
            "columns, channels], found [batch,3,4]");
  EXPECT_EQ(error_of([&] { GlobalMaxPooling1D({.data_format = "middle"}); }),
            "GlobalMaxPooling1D 'global_max_pooling1d' (layer_errors_test.cc:N): data_format must "
            "be channels_last or channels_first, found 'middle'");
}

TEST_F(LayerErrors, Images) {
  const auto x = Input({3, 4});
  EXPECT_EQ(error_of([&] { Resizing(0, 3); }),
            "Resizing 'resizing' (layer_errors_test.cc:N): height and width must be positive, "
            "found 0 and 3");
  EXPECT_EQ(error_of([&] { RandomCrop(int64_t{1} << 40, 3); }),
            "RandomCrop 'random_crop' (layer_errors_test.cc:N): height and width must be at most "
            "16777216, found 1099511627776 and 3");
  EXPECT_EQ(error_of([&] {
              UpSampling2D(int64_t{1} << 40,
                           {.interpolation = "bilinear", .name = "up"})(Input({3, 4, 1}));
            }),
            "UpSampling2D 'up' (layer_errors_test.cc:N): axis 1 of [batch,3,4,1] cannot be resized "
            "to 3298534883328 elements: 16777216 are the most");
  EXPECT_EQ(error_of([&] { Resizing(2, 3, {.interpolation = "cubic"}); }),
            "Resizing 'resizing_1' (layer_errors_test.cc:N): interpolation must be nearest, "
            "bilinear or bicubic, found 'cubic'");
  EXPECT_EQ(error_of([&] {
              Resizing(2, 3, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true});
            }),
            "Resizing 'resizing_2' (layer_errors_test.cc:N): crop_to_aspect_ratio and "
            "pad_to_aspect_ratio cannot both be true");
  EXPECT_EQ(error_of([&] { Resizing(2, 3, {.name = "size"})(x); }),
            "Resizing 'size' (layer_errors_test.cc:N): input must be [batch, rows, columns, "
            "channels], found [batch,3,4]");
  EXPECT_EQ(error_of([&] {
              layer_from_config("Resizing", {{"antialias", true}});
            }),
            "layer_errors_test.cc:N: Resizing: antialias is not supported");
  EXPECT_EQ(error_of([&] { CenterCrop(2, -1); }),
            "CenterCrop 'center_crop' (layer_errors_test.cc:N): height and width must be positive, "
            "found 2 and -1");
  EXPECT_EQ(error_of([&] { RandomFlip("sideways"); }),
            "RandomFlip 'random_flip' (layer_errors_test.cc:N): mode must be horizontal, vertical "
            "or horizontal_and_vertical, found 'sideways'");
  EXPECT_EQ(error_of([&] { RandomFlip("vertical", {.name = "flip"})(x); }),
            "RandomFlip 'flip' (layer_errors_test.cc:N): input must be [batch, rows, columns, "
            "channels], found [batch,3,4]");
  EXPECT_EQ(
      error_of([&] { RandomCrop(0, 1); }),
      "RandomCrop 'random_crop_1' (layer_errors_test.cc:N): height and width must be positive, "
      "found 0 and 1");
  EXPECT_EQ(error_of([&] { RandomContrast(1.5); }),
            "RandomContrast 'random_contrast' (layer_errors_test.cc:N): factor must be one number "
            "or two in [0, 1], found 1.5");
  EXPECT_EQ(error_of([&] {
              RandomBrightness({-0.5, 0.5, 0.6});
            }),
            "RandomBrightness 'random_brightness' (layer_errors_test.cc:N): factor must be one "
            "number or two in [-1, 1], found -0.5, 0.5, 0.6");
  EXPECT_EQ(error_of([&] { RandomTranslation(0.5, 2); }),
            "RandomTranslation 'random_translation' (layer_errors_test.cc:N): width_factor must be "
            "one number or two in [-1, 1], found 2");
  EXPECT_EQ(error_of([&] { RandomTranslation(0.5, 0, {.fill_mode = "mirror"}); }),
            "RandomTranslation 'random_translation_1' (layer_errors_test.cc:N): fill_mode must be "
            "reflect, wrap, nearest or constant, found 'mirror'");
  EXPECT_EQ(error_of([&] { RandomTranslation(0.5, 0, {.interpolation = "bicubic"}); }),
            "RandomTranslation 'random_translation_2' (layer_errors_test.cc:N): interpolation must "
            "be nearest or bilinear, found 'bicubic'");
  EXPECT_EQ(error_of([&] {
              RandomZoom({-1, 0.5});
            }),
            "RandomZoom 'random_zoom' (layer_errors_test.cc:N): height_factor must be above -1, "
            "found -1");
  EXPECT_EQ(error_of([&] { RandomZoom(0.5, {.data_format = "last"}); }),
            "RandomZoom 'random_zoom_1' (layer_errors_test.cc:N): data_format must be "
            "channels_last or channels_first, found 'last'");
}

TEST_F(LayerErrors, Rotations) {
  EXPECT_EQ(
      error_of([&] { RandomRotation(1.5); }),
      "RandomRotation 'random_rotation' (layer_errors_test.cc:N): factor must be one number or "
      "two in [-1, 1], found 1.5");
  EXPECT_EQ(
      error_of([&] {
        RandomRotation({0.5, std::nan("")});
      }),
      "RandomRotation 'random_rotation_1' (layer_errors_test.cc:N): factor must be one number "
      "or two in [-1, 1], found 0.5, nan");
  EXPECT_EQ(error_of([&] { RandomRotation(0.5, {.fill_mode = "mirror"}); }),
            "RandomRotation 'random_rotation_2' (layer_errors_test.cc:N): fill_mode must be "
            "reflect, wrap, nearest or constant, found 'mirror'");
  EXPECT_EQ(error_of([&] { RandomRotation(0.5, {.interpolation = "bicubic"}); }),
            "RandomRotation 'random_rotation_3' (layer_errors_test.cc:N): interpolation must be "
            "nearest or bilinear, found 'bicubic'");
  EXPECT_EQ(error_of([&] { RandomRotation(0.5, {.data_format = "first"}); }),
            "RandomRotation 'random_rotation_4' (layer_errors_test.cc:N): data_format must be "
            "channels_last or channels_first, found 'first'");
  EXPECT_EQ(error_of([&] {
              RandomRotation(0.5, {.name = "turn"})(Input({3, 4}));
            }),
            "RandomRotation 'turn' (layer_errors_test.cc:N): input must be [batch, rows, columns, "
            "channels], found [batch,3,4]");
}

TEST_F(LayerErrors, RangesOfValues) {
  const double nan = std::nan(""), infinity = HUGE_VAL;
  const auto contrast = [&](double low, double high) {
    return error_of([&] { RandomContrast(0.5, {.value_range = {low, high}, .name = "c"}); });
  };
  const auto brightness = [&](double low, double high) {
    return error_of([&] { RandomBrightness(0.5, {.value_range = {low, high}, .name = "b"}); });
  };
  EXPECT_EQ(contrast(nan, 1),
            "RandomContrast 'c' (layer_errors_test.cc:N): value_range must be two numbers, the "
            "lower one first, found nan and 1");
  EXPECT_EQ(contrast(0, nan),
            "RandomContrast 'c' (layer_errors_test.cc:N): value_range must be two numbers, the "
            "lower one first, found 0 and nan");
  EXPECT_EQ(contrast(255, 0),
            "RandomContrast 'c' (layer_errors_test.cc:N): value_range must be two numbers, the "
            "lower one first, found 255 and 0");
  EXPECT_EQ(contrast(-infinity, infinity), "no error");
  EXPECT_EQ(brightness(0, nan),
            "RandomBrightness 'b' (layer_errors_test.cc:N): value_range must be two finite "
            "numbers, found 0 and nan");
  EXPECT_EQ(brightness(-infinity, 1),
            "RandomBrightness 'b' (layer_errors_test.cc:N): value_range must be two finite "
            "numbers, found -inf and 1");
  EXPECT_EQ(brightness(255, 0), "no error");
  EXPECT_EQ(error_of([&] {
              RandomContrast({nan, 1.0});
            }),
            "RandomContrast 'random_contrast' (layer_errors_test.cc:N): factor must be one number "
            "or two in [0, 1], found nan, 1");
  EXPECT_EQ(error_of([&] {
              layer_from_config("RandomBrightness",
                                {{"value_range", ConfigList{nan, 1.0}}, {"name", "b"}});
            }),
            "RandomBrightness 'b' (layer_errors_test.cc:N): value_range must be two finite "
            "numbers, found nan and 1");
}

// In a function of one's own as in a model.
TEST_F(LayerErrors, OfSymbols) {
  const auto called = [](const Layer& layer, const Shape& shape) {
    return error_of([&] {
      const CompiledFunction f([&](CallContext& c, Symbol x) { return layer(c, x); });
      f(Tensor(float32, shape));
    });
  };
  const std::string line = "layer_errors_test.cc:N: ";
  EXPECT_EQ(called(Resizing(2, 3), {4, 0, 5, 1}),
            line + "Resizing 'resizing' (layer_errors_test.cc:N): axis 1 of [4,0,5,1] is empty");
  EXPECT_EQ(called(Resizing(2, 3, {.crop_to_aspect_ratio = true, .data_format = "channels_first"}),
                   {4, 1, 5, 0}),
            line + "Resizing 'resizing_1' (layer_errors_test.cc:N): axis 3 of [4,1,5,0] is empty");
  EXPECT_EQ(
      called(CenterCrop(2, 3), {4, 0, 5, 1}),
      line + "CenterCrop 'center_crop' (layer_errors_test.cc:N): axis 1 of [4,0,5,1] is empty");
  EXPECT_EQ(
      called(RandomCrop(2, 3), {4, 5, 0, 1}),
      line + "RandomCrop 'random_crop' (layer_errors_test.cc:N): axis 2 of [4,5,0,1] is empty");
  EXPECT_EQ(called(Cropping2D(1), {4, 2, 5, 1}),
            line +
                "Cropping2D 'cropping2d' (layer_errors_test.cc:N): cropping (1, 1), (1, 1) "
                "leaves nothing of axis 1 of [4,2,5,1]");
  EXPECT_EQ(called(MaxPooling2D(2, {.padding = "same"}), {4, 0, 5, 1}),
            line +
                "MaxPooling2D 'max_pooling2d' (layer_errors_test.cc:N): "
                "max_pool(float32[4,0,5,1]): a window of 2 elements does not fit into spatial "
                "dimension 0 of 0 elements");
}

TEST_F(LayerErrors, NormalizationOfData) {
  const Tensor two = Tensor::from<double>({1, 2}), three = Tensor::from<double>({1, 2, 3});
  EXPECT_EQ(error_of([&] { Normalization({.mean = two}); }),
            "Normalization 'normalization' (layer_errors_test.cc:N): mean and variance must be "
            "given both, or none");
  EXPECT_EQ(error_of([&] { Normalization({.mean = two, .variance = three}); }),
            "Normalization 'normalization_1' (layer_errors_test.cc:N): mean [2] and variance [3] "
            "must have one shape");
  EXPECT_EQ(error_of([&] { Normalization({.axis = {}, .mean = two, .variance = two}); }),
            "Normalization 'normalization_2' (layer_errors_test.cc:N): mean [2] must have at most "
            "one dimension for each axis, of which there are 0");
  const auto x = Input({3});
  EXPECT_EQ(error_of([&] { Normalization({.axis = 0, .name = "n"})(x); }),
            "Normalization 'n' (layer_errors_test.cc:N): axis 0 is the batch");
  EXPECT_EQ(error_of([&] { Normalization({.axis = 2, .name = "n"})(x); }),
            "Normalization 'n' (layer_errors_test.cc:N): the input [batch,3] has no axis 2");
  EXPECT_EQ(error_of([&] { Normalization({.mean = two, .variance = two, .name = "n"})(x); }),
            "Normalization 'n' (layer_errors_test.cc:N): mean and variance [2] do not fit the "
            "dimension 3 at axis 1");
  EXPECT_EQ(
      error_of([&] {
        Normalization({.mean = two, .variance = two, .name = "n"}).adapt(Tensor(float32, {4, 2}));
      }),
      "Normalization 'n' (layer_errors_test.cc:N): mean and variance are given, so nothing adapts "
      "them");
  const Normalization built({.name = "n"});
  built(x);
  EXPECT_EQ(error_of([&] {
              built.adapt(Tensor(float32, {4, 2}));
            }),
            "layer_errors_test.cc:N: Normalization 'n' (layer_errors_test.cc:N): data [4,2] do not "
            "have the [3] that the layer was built for");
  EXPECT_EQ(error_of([&] {
              built.adapt(Tensor(float32, {0, 3}));
            }),
            "layer_errors_test.cc:N: Normalization 'n' (layer_errors_test.cc:N): adapt() takes "
            "rows of samples, found [0,3]");
}

// What files say.
TEST_F(LayerErrors, Settings) {
  const auto list = [](std::vector<int64_t> v) { return ConfigValue::ints(v); };
  EXPECT_EQ(error_of([&] {
              layer_from_config("ZeroPadding2D", {{"padding", list({1, 2, 3})}});
            }),
            "layer_errors_test.cc:N: ZeroPadding2D: padding must have 2 entries, found 3");
  EXPECT_EQ(
      error_of([&] {
        layer_from_config("Cropping2D", {{"cropping", ConfigList{list({1, 2}), list({1, 2, 3})}}});
      }),
      "layer_errors_test.cc:N: Cropping2D: each entry of cropping must be a number or two");
  EXPECT_EQ(error_of([&] {
              layer_from_config("UpSampling3D", {{"size", list({1, 2})}});
            }),
            "layer_errors_test.cc:N: UpSampling3D: size must have 3 entries, found 2");
}

}  // namespace
}  // namespace sinter
