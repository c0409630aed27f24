// summary() is what Keras 3 prints on a terminal of 80 characters.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "core/utf8.h"

namespace sinter {
namespace {

TEST(Summary, IsThatOfKeras) {
  clear_session();
  auto x = Input({784});
  auto h = Dense(128, {.activation = "relu"})(x);
  h = Dropout(0.2)(BatchNormalization()(h));
  const Model model(x, Dense(10, {.activation = "softmax"})(h));
  const std::string expected = R"(Model: "functional"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ input_layer (InputLayer)        │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 128)            │       100,480 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ batch_normalization             │ (None, 128)            │           512 │
│ (BatchNormalization)            │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 128)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
)";
  EXPECT_EQ(model.summary_text(), expected + R"( Total params: 102,282 (399.54 KB)
 Trainable params: 102,026 (398.54 KB)
 Non-trainable params: 256 (1.00 KB)
)");
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  EXPECT_EQ(model.summary_text(), expected + R"( Total params: 306,336 (1.17 MB)
 Trainable params: 102,026 (398.54 KB)
 Non-trainable params: 256 (1.00 KB)
 Optimizer params: 204,054 (797.09 KB)
)");
}

TEST(Summary, ShowsConnectionsWhereLayersAreNoChain) {
  clear_session();
  auto a = Input({4}, {.name = "left"}), b = Input({2}, {.name = "right"});
  auto h = Dense(6)(Concatenate()({a, b}));
  const Model model({a, b}, {Dense(1, {.name = "value"})(h), Dense(3, {.name = "kind"})(h)});
  EXPECT_EQ(model.summary_text(), R"(Model: "functional"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ left (InputLayer)   │ (None, 4)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ right (InputLayer)  │ (None, 2)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ concatenate         │ (None, 6)         │          0 │ left[0][0],       │
│ (Concatenate)       │                   │            │ right[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense (Dense)       │ (None, 6)         │         42 │ concatenate[0][0] │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ value (Dense)       │ (None, 1)         │          7 │ dense[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ kind (Dense)        │ (None, 3)         │         21 │ dense[0][0]       │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 70 (280.00 B)
 Trainable params: 70 (280.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST(Summary, OfASequentialLeavesOutTheInput) {
  clear_session();
  const Sequential model({Input({64}), Dense(10)});
  const std::string text = model.summary_text();
  EXPECT_EQ(text.find("InputLayer"), std::string::npos);
  EXPECT_NE(
      text.find("│ dense (Dense)                   │ (None, 10)             │           650 │"),
      std::string::npos);
}

TEST(Summary, FitsTheLengthOfALine) {
  clear_session();
  auto x = Input({4});
  const Model model(x, Dense(3, {.name = "über-die-maßen-lange-schicht-ööööööööööööööö"})(x));
  const auto widest = [&](int length) {
    const std::string text = model.summary_text({.line_length = length});
    size_t widest = 0, width = 0;
    for (const char c : text.substr(0, text.find(" Total params"))) {
      if (c == '\n')
        width = 0;
      else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
        ++width;
      widest = std::max(widest, width);
    }
    return widest;
  };
  EXPECT_EQ(widest(0), 76u);
  for (const int length : {40, 59, 60, 75, 76, 77, 120})
    EXPECT_EQ(widest(length), static_cast<size_t>(length));
  EXPECT_EQ(widest(10), 40u);
  // Characters of several bytes are not cut within.
  const std::string text = model.summary_text({.line_length = 40});
  for (size_t i = 0; i < text.size(); ++i) {
    const bool goes_on = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    EXPECT_FALSE(goes_on && (i == 0 || static_cast<unsigned char>(text[i - 1]) < 0x80)) << i;
  }
}

// Wide letters take two columns, combining ones none; borders stand below each other.
TEST(Summary, CountsColumnsOfLetters) {
  clear_session();
  auto x = Input({4});
  auto h = Dense(3, {.name = "\xe5\xb1\xa4\xe4\xb8\x80"})(x);
  h = Dense(3, {.name = "e\xcc\x81tage"})(h);
  std::string wide;
  for (int i = 0; i < 40; ++i) wide += "\xe5\xb1\xa4";
  const Model model(x, Dense(3, {.name = wide})(h));
  for (const int length : {0, 40, 59, 61}) {
    const std::string text = model.summary_text({.line_length = length});
    const std::string table = text.substr(text.find('\n') + 1, text.find(" Total params"));
    size_t begin = 0;
    for (size_t end = table.find('\n'); table[begin] != ' '; end = table.find('\n', begin)) {
      EXPECT_EQ(columns_of(table.substr(begin, end - begin)),
                static_cast<size_t>(length == 0 ? 76 : length))
          << table.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

}  // namespace
}  // namespace sinter
