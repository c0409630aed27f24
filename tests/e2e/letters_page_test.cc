// The page that reads drawn letters (frontend/examples/letters.html) in a headless browser, by a
// network that was trained and exported as WebAssembly here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "frontend/sinter.h"
#include "tests/support/browser.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

// Serves a folder to this machine alone, until it ends.
class Server {
 public:
  explicit Server(const std::string& folder) : folder_(folder) {
    const ProcessResult r = run_process(
        {"/bin/sh", "-c",
         "cd " + folder +
             " && (python3 -c '\n"
             "import http.server, os, socketserver\n"
             "server = socketserver.ThreadingTCPServer((\"127.0.0.1\", 0), "
             "http.server.SimpleHTTPRequestHandler)\n"
             "open(\"port.new\", \"w\").write(f\"{os.getpid()} {server.server_address[1]}\")\n"
             "os.rename(\"port.new\", \"port\")\n"
             "server.serve_forever()' >/dev/null 2>&1 &)\n"
             "for i in $(seq 100); do [ -f port ] && exit 0; sleep 0.1; done; exit 1"});
    EXPECT_EQ(r.exit_code, 0) << r.err;
    std::ifstream(folder + "/port") >> process_ >> port_;
  }
  ~Server() { run_process({"/bin/kill", std::to_string(process_)}); }
  Server(const Server&) = delete;
  std::string url(const std::string& file) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + file;
  }

 private:
  std::string folder_;
  int process_ = 0, port_ = 0;
};

TEST(LettersPage, ReadsWhatIsDrawn) {
  if (find_browser().empty()) GTEST_SKIP() << "needs chromium, which is not installed: NOT TESTED";
  if (run_process({"/bin/sh", "-c", "command -v python3 && command -v wasm-ld-19"}).exit_code != 0)
    GTEST_SKIP() << "needs python3 and wasm-ld (lld-19): NOT TESTED";
  clear_session();
  set_random_seed(3);
  const TemporaryFolder folder;
  auto [train, test] = datasets::letters();
  const KerasTensor x = Input({784});
  const KerasTensor h = Dense(128, "relu")(Dense(128, "relu")(x));
  const Model model(x, Dense(10, "softmax")(h));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  model.fit(train.x, train.y, {.epochs = 10, .batch_size = 128, .verbose = 0});
  model.export_native(folder.file("letters"), {.emit = "wasm"});
  std::filesystem::copy_file(SINTER_SOURCE_DIR "/frontend/examples/letters.html",
                             folder.file("letters.html"));

  const Server server(folder.path());
  EXPECT_THAT(visit(server.url("letters.html"), folder.path()).out,
              HasSubstr(">Nothing is drawn yet.<"));
  for (const auto& [letter, strokes] : std::vector<std::pair<std::string, std::string>>{
           {"A", "0.2,0.9%200.5,0.1%200.8,0.9;0.3,0.65%200.7,0.65"},
           {"F", "0.7,0.1%200.3,0.1%200.3,0.9;0.3,0.5%200.65,0.5"},
           {"H", "0.3,0.1%200.3,0.9;0.7,0.1%200.7,0.9;0.3,0.5%200.7,0.5"}}) {
    const ProcessResult r = visit(server.url("letters.html#" + strokes), folder.path());
    EXPECT_THAT(r.out, HasSubstr(">This is " + letter + ", read in ")) << r.err;
  }
}

}  // namespace
}  // namespace sinter::testing
