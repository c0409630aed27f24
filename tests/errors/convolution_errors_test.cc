// The exact text of what a user is told when a convolution or a pool cannot be.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "tests/support/line_texts.h"
#include "tests/support/without_line.h"

namespace sinter::testing {
namespace {

class ConvolutionErrors : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

// With the number of the line replaced by N.
template <typename F>
std::string text_of(const F& action) {
  return std::regex_replace(error_of(action), std::regex(R"((convolution_errors_test\.cc):\d+)"),
                            "here:N");
}

TEST_F(ConvolutionErrors, SettingsThatCannotBe) {
  EXPECT_EQ(text_of([] { Conv2D(0, 3); }),
            "Conv2D 'conv2d' (here:N): filters must be positive, found 0");
  EXPECT_EQ(text_of([] {
              Conv2D(4, {3, 0}, {.name = "c"});
            }),
            "Conv2D 'c' (here:N): kernel_size must be positive, found 0");
  EXPECT_EQ(text_of([] {
              Conv2D(4, {3, 3, 3}, {.name = "c"});
            }),
            "Conv2D 'c' (here:N): kernel_size needs one number, or one for each of 2 spatial "
            "dimensions, found 3");
  EXPECT_EQ(text_of([] {
              Conv3D(4, 2, {.strides = {1, 2}, .name = "c"});
            }),
            "Conv3D 'c' (here:N): strides needs one number, or one for each of 3 spatial "
            "dimensions, found 2");
  EXPECT_EQ(text_of([] { Conv2D(4, 3, {.strides = -2, .name = "c"}); }),
            "Conv2D 'c' (here:N): strides must be positive, found -2");
  EXPECT_EQ(text_of([] {
              Conv2D(4, 3, {.strides = 2, .dilation_rate = {1, 3}, .name = "c"});
            }),
            "Conv2D 'c' (here:N): strides [2, 2] with dilation_rate [1, 3]: one of them must be 1");
  EXPECT_EQ(text_of([] { Conv2D(4, 3, {.padding = "sme", .name = "c"}); }),
            "Conv2D 'c' (here:N): unknown padding 'sme'; did you mean 'same'? Known: same, valid");
  EXPECT_EQ(text_of([] { Conv2D(4, 3, {.padding = "causal", .name = "c"}); }),
            "Conv2D 'c' (here:N): unknown padding 'causal'. Known: same, valid");
  EXPECT_EQ(text_of([] { Conv1D(4, 3, {.padding = "casual", .name = "c"}); }),
            "Conv1D 'c' (here:N): unknown padding 'casual'; did you mean 'causal'? Known: causal, "
            "same, valid");
  EXPECT_EQ(
      text_of([] { Conv2D(4, 3, {.data_format = "channels", .name = "c"}); }),
      "Conv2D 'c' (here:N): data_format must be channels_last or channels_first, found 'channels'");
  EXPECT_EQ(text_of([] { Conv2D(6, 3, {.groups = 4, .name = "c"}); }),
            "Conv2D 'c' (here:N): 4 groups do not divide 6 filters");
  EXPECT_EQ(text_of([] { Conv2D(6, 3, {.groups = 0, .name = "c"}); }),
            "Conv2D 'c' (here:N): groups must be positive, found 0");
  EXPECT_EQ(text_of([] { DepthwiseConv2D(3, {.depth_multiplier = 0, .name = "d"}); }),
            "DepthwiseConv2D 'd' (here:N): depth_multiplier must be positive, found 0");
  EXPECT_EQ(text_of([] { SeparableConv1D(-1, 3, {.name = "s"}); }),
            "SeparableConv1D 's' (here:N): filters must be positive, found -1");
  EXPECT_EQ(
      text_of([] { Conv2DTranspose(4, 3, {.strides = 2, .output_padding = 2, .name = "t"}); }),
      "Conv2DTranspose 't' (here:N): output_padding must be from 0 to below the strides, found 2 "
      "with strides 2");
  EXPECT_EQ(
      text_of([] {
        Conv2DTranspose(4, 3, {.strides = {1, 2}, .output_padding = Sizes{0, -1}, .name = "t"});
      }),
      "Conv2DTranspose 't' (here:N): output_padding must be from 0 to below the strides, "
      "found -1 with strides 2");
  EXPECT_EQ(text_of([] {
              Conv2DTranspose(4, 3, {.strides = 2, .output_padding = Sizes{0, 1, 1}, .name = "t"});
            }),
            "Conv2DTranspose 't' (here:N): output_padding needs one number, or one for each of 2 "
            "spatial dimensions, found 3");
  EXPECT_EQ(text_of([] {
              MaxPooling2D({2, 0});
            }),
            "MaxPooling2D 'max_pooling2d' (here:N): pool_size must be positive, found 0");
  EXPECT_EQ(text_of([] { AveragePooling1D(2, {.padding = "causal", .name = "p"}); }),
            "AveragePooling1D 'p' (here:N): unknown padding 'causal'. Known: same, valid");
}

TEST_F(ConvolutionErrors, InputsThatDoNotFit) {
  EXPECT_EQ(text_of([] {
              Conv2D(4, 3)(Input({28, 28}));
            }),
            "Conv2D 'conv2d' (here:N): input must be [batch, rows, columns, channels], found "
            "[batch,28,28]");
  EXPECT_EQ(
      text_of([] { Conv1D(4, 3, {.data_format = "channels_first", .name = "c"})(Input({7})); }),
      "Conv1D 'c' (here:N): input must be [batch, channels, steps], found [batch,7]");
  EXPECT_EQ(text_of([] {
              MaxPooling3D(2, {.name = "p"})(Input({8, 8, 3}));
            }),
            "MaxPooling3D 'p' (here:N): input must be [batch, dim1, dim2, dim3, channels], "
            "found [batch,8,8,3]");
  EXPECT_EQ(text_of([] {
              Conv2D(4, {3, 5}, {.name = "c"})(Input({8, 4, 3}));
            }),
            "Conv2D 'c' (here:N): a kernel of 5 elements does not fit into the 4 columns of input "
            "[batch,8,4,3]; padding = \"same\" would make room");
  EXPECT_EQ(text_of([] {
              Conv2D(4, 3, {.data_format = "channels_first", .dilation_rate = 2, .name = "c"})(
                  Input({3, 4, 8}));
            }),
            "Conv2D 'c' (here:N): a kernel of 3 elements, 2 apart, does not fit into the 4 rows "
            "of input [batch,3,4,8]; padding = \"same\" would make room");
  EXPECT_EQ(
      text_of([] {
        DepthwiseConv1D(9, {.name = "d"})(Input({8, 3}));
      }),
      "DepthwiseConv1D 'd' (here:N): a kernel of 9 elements does not fit into the 8 steps of "
      "input [batch,8,3]; padding = \"same\" would make room");
  EXPECT_EQ(text_of([] {
              AveragePooling2D(5, {.name = "p"})(Input({6, 4, 3}));
            }),
            "AveragePooling2D 'p' (here:N): a pool of 5 elements does not fit into the 4 columns of "
            "input [batch,6,4,3]; padding = \"same\" would make room");
  EXPECT_EQ(text_of([] {
              Conv2D(4, 3, {.groups = 2, .name = "c"})(Input({8, 8, 3}));
            }),
            "Conv2D 'c' (here:N): 2 groups do not divide the 3 channels of input [batch,8,8,3]");
  EXPECT_EQ(text_of([] {
              MaxPooling2D(2, {.name = "p"})({Input({4, 4, 1}), Input({4, 4, 1})});
            }),
            "MaxPooling2D 'p' (here:N): takes one input, given 2");
}

TEST_F(ConvolutionErrors, OtherChannelsAtTheSecondCall) {
  const Conv2D plain(4, 3, {.name = "c"});
  plain(Input({8, 8, 3}));
  EXPECT_EQ(text_of([&] {
              plain(Input({8, 8, 1}));
            }),
            "Conv2D 'c' (here:N): input [batch,8,8,1] has 1 channel, the kernel [3,3,3,4] expects "
            "3");
  const Conv2D grouped(4, 3, {.groups = 2, .name = "g"});
  grouped(Input({8, 8, 6}));
  EXPECT_EQ(
      text_of([&] {
        grouped(Input({8, 8, 3}));
      }),
      "Conv2D 'g' (here:N): input [batch,8,8,3] has 3 channels, the kernel [3,3,3,4] expects 6");
  const DepthwiseConv2D depthwise(3, {.data_format = "channels_first", .name = "d"});
  depthwise(Input({3, 8, 8}));
  EXPECT_EQ(text_of([&] {
              depthwise(Input({8, 8, 3}));
            }),
            "DepthwiseConv2D 'd' (here:N): input [batch,8,8,3] has 8 channels, the kernel "
            "[3,3,3,1] expects 3");
  const Conv1DTranspose transposed(4, 3, {.name = "t"});
  transposed(Input({8, 3}));
  EXPECT_EQ(text_of([&] {
              transposed(Input({8, 2}));
            }),
            "Conv1DTranspose 't' (here:N): input [batch,8,2] has 2 channels, the kernel [3,4,3] "
            "expects 3");
}

// Ops on symbols, in a function of the user.
TEST_F(ConvolutionErrors, Ops) {
  const auto text_in_call = [](auto op, Shape x, Shape y) {
    const Tensor a(DType::kFloat32, std::move(x)), b(DType::kFloat32, std::move(y));
    const CompiledFunction f([&](CallContext&, Symbol s, Symbol t) { return op(s, t); },
                             {.batched = {false, false}});
    const std::string text = text_of([&] { f(a, b); });
    const size_t begin = text.rfind("here:N: ");
    return begin == std::string::npos ? text : text.substr(begin + 8);
  };
  const auto plain = [](Symbol x, Symbol k) { return convolution(x, k); };
  EXPECT_EQ(text_in_call(plain, {4, 3}, {3, 3}),
            "convolution(float32[4,3], float32[3,3]): x must be [batch, spatial.., channels], "
            "found [4,3]");
  EXPECT_EQ(text_in_call(plain, {2, 8, 8, 3}, {3, 3, 4}),
            "convolution(float32[2,8,8,3], float32[3,3,4]): kernel must be [size.., channels, "
            "filters] with 2 sizes, found [3,3,4]");
  EXPECT_EQ(text_in_call(plain, {2, 8, 8, 3}, {3, 3, 4, 5}),
            "convolution(float32[2,8,8,3], float32[3,3,4,5]): input has 3 channels, kernel "
            "[3,3,4,5] with 1 group expects 4");
  EXPECT_EQ(text_in_call(plain, {2, 2, 8, 3}, {3, 3, 3, 5}),
            "convolution(float32[2,2,8,3], float32[3,3,3,5]): a window of 3 elements does not fit "
            "into spatial dimension 0 of 2 elements");
  EXPECT_EQ(text_in_call([](Symbol x, Symbol k) { return convolution(x, k, {.strides = {1}}); },
                         {2, 8, 8, 3}, {3, 3, 3, 5}),
            "convolution(float32[2,8,8,3], float32[3,3,3,5]): strides need one entry for each of 2 "
            "spatial dimensions, found 1");
  EXPECT_EQ(
      text_in_call(
          [](Symbol x, Symbol k) {
            return convolution(x, k, {.low = {-1, 0}});
          },
          {2, 8, 8, 3}, {3, 3, 3, 5}),
      "convolution(float32[2,8,8,3], float32[3,3,3,5]): paddings must be at least 0, found -1");
  EXPECT_EQ(text_in_call([](Symbol x, Symbol k) { return convolution(x, k, {}, 2); }, {2, 8, 8, 3},
                         {3, 3, 1, 5}),
            "convolution(float32[2,8,8,3], float32[3,3,1,5]): 2 groups do not divide 3 channels "
            "and 5 filters");
  EXPECT_EQ(text_in_call(
                [](Symbol x, Symbol k) {
                  return convolution_transpose(x, k, {9, 9});
                },
                {2, 8, 8, 5}, {3, 3, 3, 5}),
            "convolution_input_gradient(float32[2,8,8,5], float32[3,3,3,5]): there are [7,7] "
            "windows of 3x3 over [9,9], but [2,8,8,5] has [8,8]");
  EXPECT_EQ(text_in_call(
                [](Symbol x, Symbol k) {
                  return convolution_transpose(x, k, {-10, 10});
                },
                {2, 8, 8, 5}, {3, 3, 3, 5}),
            "convolution_input_gradient(float32[2,8,8,5], float32[3,3,3,5]): spatial extents must "
            "be at least 0, found -10");
  EXPECT_EQ(text_in_call([](Symbol x, Symbol) { return max_pool(x, {2}); }, {4}, {1}),
            "max_pool(float32[4]): x must be [batch, spatial.., channels], found [4]");
  EXPECT_EQ(text_in_call([](Symbol x, Symbol) { return max_pool(x, {2}, {.dilations = {2}}); },
                         {4, 5, 6}, {1}),
            "pooling has no dilations");
  EXPECT_EQ(text_in_call([](Symbol x, Symbol) { return average_pool(x, {2}, {.low = {2}}); },
                         {4, 5, 6}, {1}),
            "average_pool(float32[4,5,6]): padding of 2 and 0 around windows of 2: some would hold "
            "nothing else");
}

}  // namespace
}  // namespace sinter::testing
