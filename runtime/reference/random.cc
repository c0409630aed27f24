// random: Philox bits, or uniform numbers made of them.
#include "core/philox.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {

std::unique_ptr<Kernel> make_random(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const int64_t count = n.types[0].shape.elements();
  const int64_t stream = n.attributes.get_int("stream");
  const bool short_bits = n.attributes.get_string("distribution") == "bits16";
  return std::make_unique<LoopKernel>([=, dtype = n.types[0].dtype](void* const* buffers) {
    const auto* state = static_cast<const int64_t*>(buffers[0]);
    for (int64_t i = 0; i < count; ++i) {
      const uint32_t bits = short_bits ? philox_bits16(state[0], state[1], stream, i)
                                       : philox_bits(state[0], state[1], stream, i);
      if (dtype == DType::kInt32)
        static_cast<int32_t*>(buffers[1])[i] = static_cast<int32_t>(bits);
      else if (dtype == DType::kFloat32)
        static_cast<float*>(buffers[1])[i] = static_cast<float>(uniform_from_bits(bits));
      else
        static_cast<double*>(buffers[1])[i] = uniform_from_bits(bits);
    }
  });
}

}  // namespace sinter::reference
