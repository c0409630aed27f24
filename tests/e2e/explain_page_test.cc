// The page of `sinter explain` in a headless browser: it loads without errors, search finds a
// layer, the slider moves, a kernel's assembly opens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/file_io.h"
#include "frontend/sinter.h"
#include "tests/support/browser.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// What a user does, one thing after the other; what is seen then goes to the end of the page.
const char* const kVisitor = R"(<script>
const seen = {};
const at = (id) => document.getElementById(id);
try {
  seen.tree = [...document.querySelectorAll("#tree [aria-level='1'] > .row")].map((row) => row.textContent);
  at("search").value = "first";
  at("search").dispatchEvent(new Event("input"));
  seen.found = [...document.querySelectorAll("#found li")].map((item) => item.textContent);
  at("search").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  seen.selected = document.querySelector("#details h2").textContent;
  at("pass").value = 0;
  at("pass").dispatchEvent(new Event("input"));
  seen.first = at("pass-name").textContent;
  seen.changes = [];
  for (let i = 1; i <= Number(at("pass").max); ++i) {
    at("pass-after").click();
    if (document.querySelector("#difference li")) seen.changes.push(at("pass-name").textContent);
  }
  at("open-all").click();
  document.querySelectorAll("#tree [aria-expanded='false']").forEach((item) => item.click());
  seen.nodes = document.querySelectorAll("#tree [aria-level='3']").length;
  document.querySelector("#tree [aria-level='3']").click();
  seen.node = at("details").textContent;
  at("tab-kernels").click();
  seen.kernels = document.querySelectorAll("#kernel-table tbody tr").length;
  document.querySelector("#kernel-table tbody tr").click();
  seen.panes = [...document.querySelectorAll("#code .pane")].map((pane) => pane.textContent.length);
  seen.assembly = document.querySelectorAll("#code .pane")[2]?.textContent.slice(0, 4000);
  document.querySelectorAll("#code .pane")[2]?.querySelectorAll(".line").forEach((line) => line.click());
  seen.marked = document.querySelectorAll("#code .marked").length;
  at("tab-memory").click();
  seen.boxes = document.querySelectorAll("#view-memory rect").length;
  at("tab-timeline").click();
  seen.slices = document.querySelectorAll("#view-timeline rect").length;
  const narrow = Number(document.querySelector("#view-timeline svg").getAttribute("width"));
  at("time-in").click();
  seen.zoomed = Number(document.querySelector("#view-timeline svg").getAttribute("width")) / narrow;
  seen.threads = document.querySelector("#view-timeline").textContent;
  at("tab-remarks").click();
  at("tab-graph").click();
} catch (error) {
  problems.push(`${error.stack}`);
}
requestAnimationFrame(() => requestAnimationFrame(() => {
  const pen = at("drawing").getContext("2d"), pixels = pen.getImageData(0, 0, at("drawing").width, at("drawing").height).data;
  seen.colours = new Set(new Uint32Array(pixels.buffer)).size;
  seen.problems = problems;
  const report = document.createElement("pre");
  report.id = "report";
  report.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));
  document.body.append(report);
}));
</script>)";

std::string from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = digits.find(c);
    if (digit == std::string::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    result += static_cast<char>(bits >> count & 0xff);
  }
  return result;
}

TEST(ExplainPage, InABrowser) {
  if (find_browser().empty()) GTEST_SKIP() << "needs chromium, which is not installed";
  const TemporaryFolder folder;
  clear_session();
  const KerasTensor x = Input({784}, {.name = "x"});
  KerasTensor h = Dropout(0.2)(Dense(64, {.activation = "relu", .name = "first"})(x));
  const Model model(x, Dense(10, {.activation = "softmax", .name = "second"})(h));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  model.save(folder.file("m.sinter"));
  const ProcessResult made =
      run_sinter({"explain", folder.file("m.sinter"), "--html", folder.file("page.html"),
                  "--measure", "--batch", "256", "--threads", "2"});
  ASSERT_EQ(made.exit_code, 0) << made.err;

  std::string page = read_file(folder.file("page.html"));
  page.insert(page.find("<meta"),
              "<script>const problems = []; addEventListener(\"error\", (event) => "
              "problems.push(event.message));</script>");
  page.insert(page.rfind("</body>"), kVisitor);
  write_file_atomically(folder.file("visited.html"), page);
  const ProcessResult visited = visit("file://" + folder.file("visited.html"), folder.path());
  const size_t report = visited.out.find("<pre id=\"report\">");
  ASSERT_NE(report, std::string::npos) << visited.err << visited.out.substr(0, 2000);
  const json seen = json::parse(from_base64(visited.out.substr(report + 17)));
  EXPECT_TRUE(seen["problems"].empty()) << seen["problems"];
  ASSERT_EQ(seen["tree"].size(), 4u) << seen["tree"];
  EXPECT_THAT(seen["tree"][0].get<std::string>(), HasSubstr("forward"));
  EXPECT_THAT(seen["tree"][3].get<std::string>(), HasSubstr("update"));
  ASSERT_FALSE(seen["found"].empty());
  EXPECT_THAT(seen["found"][0].get<std::string>(), HasSubstr("first"));
  EXPECT_THAT(seen["selected"].get<std::string>(), HasSubstr("first"));
  EXPECT_THAT(seen["first"].get<std::string>(), HasSubstr("as built"));
  EXPECT_GE(seen["changes"].size(), 3u) << seen["changes"];
  EXPECT_GT(seen["nodes"].get<int>(), 5);
  EXPECT_THAT(seen["node"].get<std::string>(), HasSubstr("history"));
  EXPECT_GT(seen["kernels"].get<int>(), 3);
  EXPECT_GT(seen["boxes"].get<int>(), 2);
  EXPECT_GT(seen["slices"].get<int>(), 3);
  EXPECT_GT(seen["zoomed"].get<double>(), 1.5);
  EXPECT_THAT(seen["threads"].get<std::string>(), HasSubstr("thread 0 (the caller)"));
  EXPECT_GT(seen["colours"].get<int>(), 8);
  if (SINTER_WITH_LLVM) {
    ASSERT_EQ(seen["panes"].size(), 3u);
    EXPECT_THAT(seen["assembly"].get<std::string>(), HasSubstr("function0:"));
    EXPECT_GT(seen["marked"].get<int>(), 0);
  }
}

}  // namespace
}  // namespace sinter::testing
