// Chains of objects that own each other, of any length: destructors would call each other once for
// each link, and end the stack.
#pragma once

#include <memory>
#include <vector>

namespace sinter {

/// Lets these go. Called by destructors, in a thread that is letting others go already: after
/// those, not within.
void release_in_turn(std::vector<std::shared_ptr<const void>>&& objects) noexcept;

}  // namespace sinter
