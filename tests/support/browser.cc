#include "tests/support/browser.h"

#include <filesystem>

namespace sinter::testing {

std::string find_browser() {
  for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser",
                           "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

ProcessResult visit(const std::string& url, const std::string& folder) {
  return run_process({find_browser(), "--headless", "--no-sandbox", "--disable-gpu",
                      "--disable-dev-shm-usage", "--user-data-dir=" + folder + "/profile",
                      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                      "--window-size=1400,900", "--virtual-time-budget=20000", "--dump-dom", url});
}

}  // namespace sinter::testing
