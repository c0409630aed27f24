// Pages in a headless browser.
#pragma once

#include <string>

#include "tests/support/process.h"

namespace sinter::testing {

/// A browser of this machine; "" where there is none.
std::string find_browser();

/// The page at `url` when it has come to rest, as HTML. `folder` is where the browser may write.
/// Nothing of other machines is found.
ProcessResult visit(const std::string& url, const std::string& folder);

}  // namespace sinter::testing
