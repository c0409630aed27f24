#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace sinter
