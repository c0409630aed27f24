// Work in a process of its own: wrong kernels may crash, or never end.
#pragma once

#include <functional>
#include <string>

namespace sinter::verification {

/// What `work` gives, computed by a forked child; "crash: ..." where that ends otherwise, or takes
/// more than so many seconds. What `work` changes stays in the child.
std::string apart(const std::function<std::string()>& work, int seconds = 300);

}  // namespace sinter::verification
