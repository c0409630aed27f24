// Errors name the line of the user's call (tests/errors/lines_test.cc), so what a user calls and
// can fail takes a SourceLocation.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/tree/tree.h"

namespace sinter::tree {
namespace {

// The declaration behind a comment, to its semicolon or body.
std::string declaration(const std::string& text, size_t at) {
  return text.substr(at, std::min(text.find(';', at), text.find("{\n", at)) - at);
}

TEST(Lines, WhatRaisesKnowsTheLineOfItsCall) {
  // What users call while they build, train and save; headers of what writes graphs are not of it.
  const std::set<std::string> headers = {"core/model_file.h",
                                         "frontend/callbacks/callbacks.h",
                                         "frontend/clone.h",
                                         "frontend/compiled_function.h",
                                         "frontend/data/archive.h",
                                         "frontend/data/categorical.h",
                                         "frontend/data/csv.h",
                                         "frontend/data/dataset.h",
                                         "frontend/data/datasets.h",
                                         "frontend/data/element.h",
                                         "frontend/data/image.h",
                                         "frontend/data/image_data_generator.h",
                                         "frontend/data/image_folder.h",
                                         "frontend/data/npy.h",
                                         "frontend/data/paths.h",
                                         "frontend/dot.h",
                                         "frontend/history.h",
                                         "frontend/model.h",
                                         "frontend/optimizers/learning_rate.h",
                                         "frontend/optimizers/optimizers.h",
                                         "frontend/plot.h",
                                         "frontend/save.h",
                                         "frontend/sequential.h",
                                         "frontend/session.h",
                                         "frontend/variable.h",
                                         "runtime/executable.h",
                                         "runtime/load.h"};
  int found = 0;
  for (const std::string& path : headers) {
    const File* file = find(path);
    ASSERT_NE(file, nullptr) << path;
    const std::string& text = file->text;
    for (size_t at = 0; (at = text.find("aises ", at)) < text.size(); ++at) {
      // To the end of the comment.
      size_t end = text.find('\n', at);
      while (text.find_first_not_of(' ', end + 1) == text.find("//", end + 1))
        end = text.find('\n', end + 1);
      const std::string call = declaration(text, end + 1);
      if (call.find('(') > call.size()) continue;  // of a class or its fields
      // What a callback raises in training names the line that made it; in brackets and behind a
      // list the first argument holds the line.
      const bool knows = call.find("SourceLocation") < call.size() ||
                         call.find("LogName") < call.size() || call.find("where") < call.size() ||
                         call.find("FirstInput") < call.size();
      EXPECT_TRUE(knows || call.find("set_trainable") < call.size() ||
                  call.find("void put(") < call.size())
          << path << ":\n"
          << call;
      ++found;
    }
  }
  EXPECT_GT(found, 20);
}

}  // namespace
}  // namespace sinter::tree
