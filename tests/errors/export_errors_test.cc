// What cannot be exported, and why.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "frontend/sinter.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_line.h"

namespace sinter::testing {
namespace {

std::string refusal(const std::string& file, const ExportOptions& options) {
  const TemporaryFolder folder;
  const KerasTensor x = Input({4});
  const Model model(x, Dense(2)(x));
  return without_line(error_of([&] { model.export_native(folder.file(file), options); }));
}

TEST(ExportErrors, NamesOfC) {
  const std::string remedy = "_predict': name them by the option 'name', of letters, digits and _";
  EXPECT_EQ(refusal("my-net", {}),
            "export_native: functions in C cannot be called 'my-net" + remedy);
  EXPECT_EQ(refusal("2net", {}), "export_native: functions in C cannot be called '2net" + remedy);
  EXPECT_EQ(refusal("net", {.name = "a b"}),
            "export_native: functions in C cannot be called 'a b" + remedy);
}

TEST(ExportErrors, NamesOfFiles) {
  for (const char* name : {"", ".", "..", "folder/"}) {
    const std::string text = refusal(name, {.name = "net"});
    EXPECT_TRUE(text.ends_with(name + std::string("' names no file"))) << text;
  }
  for (const char* name : {"math", "string"})
    EXPECT_EQ(refusal(name, {}),
              fmt::format("export_native: {}.h is a header of C's own, which it would hide from "
                          "programs; call the file otherwise",
                          name));
  for (const char* name : {"a\"b", "a\nb", "a\\b"})
    EXPECT_EQ(refusal(name, {.name = "net"}),
              fmt::format("export_native: C cannot include '{}.h': names of files have no \" and "
                          "\\, and one line",
                          name));
}

TEST(ExportErrors, Options) {
  EXPECT_EQ(refusal("net", {.emit = "objekt"}),
            "unknown emit 'objekt'; did you mean 'object'? Known: assembly, c, llvm-ir, object, "
            "shared, static, wasm");
  EXPECT_EQ(refusal("net", {.batches = {}}), "export_native: batches names no number of rows");
  EXPECT_EQ(refusal("net", {.batches = {0}}),
            "export_native: a batch must have at least one row, found 0");
  EXPECT_EQ(refusal("net", {.batches = {8, 8}}), "export_native: batches names 8 twice");
  EXPECT_EQ(
      refusal("net", {.cpu = "x86-64", .multiversion = true}),
      "export_native: multiversion is for all levels of x86-64; leave out cpu, found 'x86-64'");
  EXPECT_EQ(refusal("net", {.target = "aarch64-linux-gnu", .multiversion = true}),
            "export_native: multiversion is for all levels of x86-64; leave out target, found "
            "'aarch64-linux-gnu'");
  EXPECT_EQ(refusal("net", {.emit = "c", .target = "wasm32"}),
            "export_native: C is for every machine; leave out target");
  EXPECT_EQ(refusal("net", {.threads = 0}),
            "export_native: threads must be from 1 to 1024, found 0");
  clear_session();
  EXPECT_EQ(refusal("net", {.training = true}),
            "export_native(training): model 'functional' must be compiled first: "
            "model.compile({.optimizer = \"adam\", .loss = ...})");
}

#if SINTER_WITH_LLVM
TEST(ExportErrors, Linking) {
  ::setenv("CC", "/nowhere/cc", 1);
  EXPECT_EQ(refusal("net", {.emit = "shared"}),
            "cannot link the exported code: the program '/nowhere/cc' is not installed (Debian: "
            "apt-get install gcc libc6-dev), or emit \"object\"");
  ::setenv("CC", "env false", 1);
  EXPECT_EQ(refusal("net", {.emit = "shared"}),
            "cannot link the exported code: env failed: exit code 1");
  ::unsetenv("CC");
  const TemporaryFolder folder;
  const KerasTensor x = Input({4});
  const Model model(x, Dense(2)(x));
  ::setenv("TMPDIR", "/nowhere", 1);
  const std::string text =
      error_of([&] { model.export_native(folder.file("net"), {.emit = "static"}); });
  ::unsetenv("TMPDIR");
  EXPECT_EQ(without_line(text),
            "cannot link the exported code: no temporary folder in /nowhere: No such file or "
            "directory");
}
#endif

}  // namespace
}  // namespace sinter::testing
