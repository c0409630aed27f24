#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "core/error.h"

namespace sinter {
namespace {

TEST(Utf8, IsWhatUnicodeSaysAndNothingElse) {
  for (const std::string_view text :
       {"", "dense_1", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa4z"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const std::string_view text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xc2\xc0", "\xe0\x9f\xbf",
        "\xe1\x80", "\xe1\x80z", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf1\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff\xfe", "abc\xe4"})
    EXPECT_FALSE(is_utf8(text)) << text;
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, NamesAreRefusedWithTheirBytes) {
  try {
    check_name("Dense", "a\xc3\xa4\xff");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "Dense: the name 'a\xc3\xa4\\xff' is not UTF-8, as which files keep names");
  }
}

// As terminals draw letters, whatever the locale of the program is.
TEST(Utf8, ColumnsAreThoseOfATerminal) {
  const std::pair<const char*, size_t> texts[] = {
      {"", 0},
      {"dense_1", 7},
      {"gr\xc3\xb6\xc3\x9f" "er", 6},
      {"\xe6\x97\xa5\xe6\x9c\xac", 4},          // Japan
      {"\xea\xb0\x80", 2},                       // Hangul
      {"\xef\xbc\xa1", 2},                       // fullwidth A
      {"\xf0\x9f\x98\x80", 2},                   // a face
      {"e\xcc\x81", 1},                          // e and an acute
      {"\xe0\xb8\x81\xe0\xb8\xb4", 1},          // Thai, with a vowel above
      {"\xe2\x94\x80\xe2\x96\x88", 2},          // a line, a block
      {"\xff\xfe", 2}};
  for (const auto& [text, columns] : texts) EXPECT_EQ(columns_of(text), columns) << text;
  const std::string_view mixed = "a\xe6\x97\xa5" "e\xcc\x81z";
  EXPECT_EQ(first_columns(mixed, 0), "");
  EXPECT_EQ(first_columns(mixed, 1), "a");
  EXPECT_EQ(first_columns(mixed, 2), "a");  // a wide letter is not cut
  EXPECT_EQ(first_columns(mixed, 3), "a\xe6\x97\xa5");
  EXPECT_EQ(first_columns(mixed, 4), "a\xe6\x97\xa5" "e\xcc\x81");  // with what combines
  EXPECT_EQ(first_columns(mixed, 9), mixed);
}

}  // namespace
}  // namespace sinter
