// From an object file to libraries, by the system's tools.
#pragma once

#include <string>
#include <vector>

namespace sinter {

/// A shared library of the object file, which needs nothing but libc and libm. Raises Error where
/// there is no C compiler (what the environment's CC names, otherwise "cc", or "<target>-gcc" where
/// a target is given) or it fails.
std::string link_shared(const std::string& object, const std::string& soname,
                        const std::string& target);
/// A module of WebAssembly that exports `functions`, its memory and where that is free
/// (`__heap_base`); it may import functions of libm, from "env". Raises Error where there is no
/// wasm-ld or it fails.
std::string link_wasm(const std::string& object, const std::vector<std::string>& functions);
/// A static library of the object file, by `ar`. Raises Error as above.
std::string link_static(const std::string& object, const std::string& member);

}  // namespace sinter
