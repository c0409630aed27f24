// Convolutions of image networks, each as one executable: forward as in a prediction (the kernel is
// a variable, packed once), and the gradients by input and kernel; each with strict precision, too.
// GFLOP/s are those of direct sums, so Winograd's algorithm may show more than the machine can do.
//
// Names: [strict_]<form> <windows> n<images>
// <height>x<width>x<channels>-><filters>/<backend>/threads:<n>, for example
// --benchmark_filter='^forward 3x3 n1 56x56.*llvm/threads:1'.
#include "ops/gradients.h"
#include "tests/bench/graph_benchmark.h"

namespace sinter {
namespace {

struct Layer {
  int64_t side, channels, filters, size, stride = 1;
  bool depthwise = false;

  int64_t windows() const { return (side + stride - 1) / stride; }
  int64_t groups() const { return depthwise ? channels : 1; }
  Shape kernel() const { return {size, size, channels / groups(), filters}; }
  /// "same" as Keras has it.
  Window window() const {
    const int64_t padding = std::max<int64_t>((windows() - 1) * stride + size - side, 0);
    const int64_t low = padding / 2, high = padding - low;
    return {.strides = {stride, stride}, .low = {low, low}, .high = {high, high}};
  }
};

enum class Form { kForward, kByInput, kByKernel };

Symbol build(Graph& g, const Layer& layer, int64_t images, Form form) {
  const Shape x{images, layer.side, layer.side, layer.channels};
  const Shape y{images, layer.windows(), layer.windows(), layer.filters};
  const ValueType kernel{DType::kFloat32, layer.kernel()};
  switch (form) {
    case Form::kForward:
      return convolution(floats(g, "x", x), g.variable("kernel", kernel), layer.window(),
                         layer.groups());
    case Form::kByInput:
      return convolution_transpose(floats(g, "dy", y), g.input("kernel", kernel),
                                   {layer.side, layer.side}, layer.window(), layer.groups());
    case Form::kByKernel: break;
  }
  // The gradient does not depend on the kernel, which is only there to be differentiated by.
  const Symbol k = constant(g, Tensor(DType::kFloat32, layer.kernel()));
  const Symbol of = convolution(floats(g, "x", x), k, layer.window(), layer.groups());
  return gradients(sum(of * floats(g, "dy", y)), {k})[0];
}

std::vector<Case> cases() {
  const Layer layers[] = {
      {56, 64, 64, 3},
      {28, 128, 128, 3},
      {14, 256, 256, 3},
      {7, 512, 512, 3},
      {28, 32, 32, 3},
      {56, 64, 256, 1},
      {14, 1024, 256, 1},
      {56, 128, 128, 3, 2},
      {224, 3, 64, 7, 2},
      {56, 64, 64, 3, 1, true},
      {14, 512, 512, 3, 1, true},
  };
  const std::pair<const char*, Form> forms[] = {
      {"forward", Form::kForward}, {"by_input", Form::kByInput}, {"by_kernel", Form::kByKernel}};
  std::vector<Case> all;
  for (const Layer& l : layers) {
    for (const int64_t images : {1, 32}) {
      const std::string name =
          fmt::format("{}{}x{}{} n{} {}x{}x{}->{}", l.depthwise ? "depthwise_" : "", l.size, l.size,
                      l.stride > 1 ? fmt::format("/{}", l.stride) : "", images, l.side, l.side,
                      l.channels, l.filters);
      const double flops =
          2.0 * static_cast<double>(images * l.windows() * l.windows() * l.kernel().elements());
      for (const auto& [text, form] : forms) {
        const Build graph = [=, form = form](Graph& g) { return build(g, l, images, form); };
        for (const bool strict : {false, true})
          all.push_back(
              {fmt::format("{}{} {}", strict ? "strict_" : "", text, name), flops, graph, strict});
      }
    }
  }
  return all;
}

const bool registered = register_cases(cases());

}  // namespace
}  // namespace sinter
