// Running primitives with memory objects that are made once a piece.
#include "runtime/onednn/primitive_kernel.h"

#include <algorithm>
#include <optional>

#include "core/error.h"

namespace sinter::onednn {

struct PrimitiveKernel::Bound {
  dnnl::stream stream{engine()};
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
  dnnl::memory scratchpad;
};

PrimitiveKernel::PrimitiveKernel(std::vector<Call> pieces, int buffers, std::string description,
                                 std::optional<Packing> packing)
    : calls_(std::move(pieces)),
      buffers_(buffers),
      description_(std::move(description)),
      packing_(std::move(packing)),
      idle_(calls_.size()) {
  for (size_t i = 0; i < calls_.size(); ++i) idle_[i].store(bind(calls_[i]).release());
}

PrimitiveKernel::~PrimitiveKernel() {
  for (auto& slot : idle_) delete slot.load();
}

std::unique_ptr<PrimitiveKernel::Bound> PrimitiveKernel::bind(const Call& call) const {
  auto bound = std::make_unique<Bound>();
  for (const Argument& a : call.arguments) bound->memories.emplace_back(a.desc, engine(), nullptr);
  for (size_t i = 0; i < call.arguments.size(); ++i)
    bound->arguments.push_back({call.arguments[i].id, bound->memories[i].get()});
  if (call.scratchpad.get_size() > 0) {
    bound->scratchpad = dnnl::memory(call.scratchpad, engine());
    bound->arguments.push_back({DNNL_ARG_SCRATCHPAD, bound->scratchpad.get()});
  }
  return bound;
}

void PrimitiveKernel::run(int, int piece, void* const* buffers) const {
  const Call& call = calls_[static_cast<size_t>(piece)];
  std::atomic<Bound*>& slot = idle_[static_cast<size_t>(piece)];
  std::unique_ptr<Bound> bound(slot.exchange(nullptr, std::memory_order_acq_rel));
  if (!bound) bound = bind(call);
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const Argument& a = call.arguments[i];
    // The executable passes scratch and prepared memory after the node's buffers.
    void* base = a.buffer == kPrepared ? buffers[buffers_ + 1] : buffers[a.buffer];
    dnnl_memory_set_data_handle(bound->memories[i].get(), static_cast<std::byte*>(base) + a.offset);
  }
  const OneThread one_thread;
  const dnnl_status_t status =
      dnnl_primitive_execute(call.primitive.get(), bound->stream.get(),
                             static_cast<int>(bound->arguments.size()), bound->arguments.data());
  SINTER_CHECK(status == dnnl_success, "dnnl_primitive_execute");
  Bound* expected = nullptr;
  if (slot.compare_exchange_strong(expected, bound.get(), std::memory_order_acq_rel))
    bound.release();
}

void PrimitiveKernel::prepare(void* const* buffers, void* prepared) const {
  const OneThread one_thread;
  dnnl::memory from(packing_->from, engine(), buffers[packing_->buffer]);
  dnnl::memory to(packing_->to, engine(), prepared);
  dnnl::stream stream(engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

Desc row_major(const std::vector<int64_t>& dims) {
  dnnl::memory::dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(dims[i], 1);
  }
  return {dims, dnnl::memory::data_type::f32, strides};
}

}  // namespace sinter::onednn
