// How large a picture is, for layers and for readers of files.
#pragma once

#include <cstdint>

namespace sinter {

/// In elements.
struct ImageSize {
  int64_t height = 0, width = 0;
};

}  // namespace sinter
