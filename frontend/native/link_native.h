// From an object file to libraries, by the system's tools.
#pragma once

#include <string>

namespace sinter {

/// A shared library of the object file, which needs nothing but libc and libm. Raises Error where
/// there is no C compiler ("cc", or what the environment's CC names) or it fails.
std::string link_shared(const std::string& object, const std::string& soname);
/// A static library of the object file, by `ar`. Raises Error as above.
std::string link_static(const std::string& object, const std::string& member);

}  // namespace sinter
