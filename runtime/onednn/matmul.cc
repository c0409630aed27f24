// dense and contract: oneDNN's matmul, sliced by rows of the result. Weights that no update changes
// are packed once by prepare().
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/contract.h"
#include "core/prologue.h"
#include "runtime/onednn/costs.h"
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {
namespace {

// A matrix view: extent and stride (in elements) of rows and columns.
struct Matrix {
  int64_t rows, columns, row_stride, column_stride;
};

struct Product {
  Matrix a, b;        // a [M, K], b [K, N]
  int64_t batch = 1;  // leading dimension of all three
  int64_t a_batch_stride = 0, b_batch_stride = 0;
  bool bias = false;
  std::optional<Eltwise> activation;
  bool pack_b = false;
};

Desc matrix_desc(const Matrix& m, int64_t batch, int64_t batch_stride, int64_t rows) {
  if (batch == 1)
    return {{rows, m.columns}, dnnl::memory::data_type::f32, {m.row_stride, m.column_stride}};
  return {{batch, rows, m.columns},
          dnnl::memory::data_type::f32,
          {batch_stride, m.row_stride, m.column_stride}};
}

// Does oneDNN read this view? One of the strides must be 1 (dimensions of extent 1 may have any).
bool readable(const Matrix& m) {
  return m.column_stride == 1 || m.row_stride == 1 || m.rows == 1 || m.columns == 1;
}

Attempt make_product(const Product& p, int inputs) {
  const int64_t rows = p.a.rows, k = p.a.columns, columns = p.b.columns;
  if (rows == 0 || k == 0 || columns == 0 || p.batch == 0) return {nullptr, "empty tensor"};
  // It adds blocks of a few hundred terms up one after the other: the error grows with the depth.
  constexpr int64_t kDeepest = 65536;
  if (k > kDeepest)
    return {nullptr, fmt::format("oneDNN is not given products deeper than {}", kDeepest)};
  // Of the columns of a matrix with a vector it adds all terms up one after the other.
  constexpr int64_t kDeepestColumn = 1024;
  if (k > kDeepestColumn && columns == 1 && rows > 1 && p.a.column_stride != 1)
    return {nullptr,
            fmt::format("oneDNN is not given columns longer than {} to multiply with a vector",
                        kDeepestColumn)};
  // Without AVX-512 it does so of all products with a vector.
  constexpr int64_t kDeepestVector = 256;
  if (k > kDeepestVector && (rows == 1 || columns == 1) && !has_avx512())
    return {nullptr, fmt::format("oneDNN is not given products with a vector deeper than {} on this CPU",
                                 kDeepestVector)};
  if (!readable(p.a) || !readable(p.b))
    return {nullptr, "oneDNN reads matrices with one unit stride only"};
  const double microseconds =
      product_microseconds(kCosts, {p.batch, rows, k, columns, p.b.column_stride != 1});
  const int64_t pieces = worthwhile_pieces(microseconds, std::clamp<int64_t>(rows / 8, 1, 4));
  dnnl::primitive_attr attr;
  if (p.activation) {
    dnnl::post_ops ops;
    append_eltwise(ops, p.activation->algorithm, p.activation->alpha, p.activation->beta);
    attr.set_post_ops(ops);
  }
  const Desc plain_b = matrix_desc(p.b, p.batch, p.b_batch_stride, p.b.rows);
  std::optional<Packing> packing;
  std::vector<Call> calls;
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t begin = piece_begin(rows, pieces, i),
                  count = piece_begin(rows, pieces, i + 1) - begin;
    const Matrix out{rows, columns, columns, 1};
    const Desc a = matrix_desc(p.a, p.batch, p.a_batch_stride, count),
               c = matrix_desc(out, p.batch, rows * columns, count);
    Desc b = plain_b;
    if (p.pack_b) {
      // Every piece must read the one packed copy: the first piece chooses its layout.
      b = packing ? packing->to
                  : Desc({p.b.rows, p.b.columns}, dnnl::memory::data_type::f32,
                         dnnl::memory::format_tag::any);
    }
    const Desc bias = row_major({1, columns});
    const auto desc = p.bias ? make_desc<dnnl::matmul>(attr, a, b, bias, c)
                             : make_desc<dnnl::matmul>(attr, a, b, c);
    if (p.pack_b && !packing) packing = Packing{1, plain_b, desc.weights_desc()};
    Call call = make_call<dnnl::matmul>(desc, {{DNNL_ARG_SRC, a, 0, begin * p.a.row_stride * 4},
                                               {DNNL_ARG_WEIGHTS, p.pack_b ? packing->to : b,
                                                p.pack_b ? PrimitiveKernel::kPrepared : 1, 0},
                                               {DNNL_ARG_DST, c, inputs, begin * columns * 4}});
    if (p.bias) call.arguments.push_back({DNNL_ARG_BIAS, bias, 2, 0});
    calls.push_back(std::move(call));
  }
  auto kernel = std::make_unique<PrimitiveKernel>(
      std::move(calls), inputs + 1,
      fmt::format("oneDNN matmul {}x{}x{}, {} pieces{}", rows, k, columns, pieces,
                  p.pack_b ? ", packed weights" : ""),
      std::move(packing));
  kernel->set_microseconds(microseconds);
  return {std::move(kernel), ""};
}

}  // namespace

Attempt make_dense(const Graph& graph, int32_t node, const Registry& ops) {
  const Node& n = graph.node(node);
  const Shape &x = graph.type(n.inputs[0]).shape, &kernel = graph.type(n.inputs[1]).shape;
  Product p;
  const int64_t k = kernel[0];
  if (k == 0) return {nullptr, "empty tensor"};
  p.a = {x.elements() / k, k, k, 1};
  p.b = {k, kernel[1], kernel[1], 1};
  p.bias = n.inputs.size() > 2;
  const OpCall& activation = n.attributes.get<OpCall>("activation");
  if (activation.op != "linear") {
    const OpRecord& record = ops.get(activation.op);
    // A call names only what is not the default.
    const Attributes given =
        complete_attributes(record.name, record.attributes,
                            activation.attributes ? *activation.attributes : Attributes());
    p.activation = eltwise_of(activation.op, given);
    if (!p.activation)
      return {nullptr, fmt::format("oneDNN has no post-op for '{}'", activation.op)};
  }
  p.pack_b = is_frozen(graph, n.inputs[1]);
  return make_product(p, static_cast<int>(n.inputs.size()));
}

Attempt make_contract(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const Shape &a = graph.type(n.inputs[0]).shape, &b = graph.type(n.inputs[1]).shape;
  const Contract c = Contract::of(a, b, n.attributes);
  if (c.lhs.depth.size() != 1) return {nullptr, "oneDNN contracts one dimension"};
  const int la = c.lhs.depth[0], ra = c.rhs.depth[0];
  Product p;
  const auto strides_a = a.strides(), strides_b = b.strides();
  if (c.lhs.batch.empty()) {
    // [.., K] with leading dimensions taken together, or two plain dimensions.
    if (b.rank() != 2 || (a.rank() != 2 && la != a.rank() - 1))
      return {nullptr, "oneDNN multiplies two matrices, or a stack of them"};
    if (a.rank() == 2)
      p.a = {a[1 - la], a[la], strides_a[static_cast<size_t>(1 - la)],
             strides_a[static_cast<size_t>(la)]};
    else
      p.a = {a[la] == 0 ? 0 : a.elements() / a[la], a[la], a[la], 1};
    p.b = {b[ra], b[1 - ra], strides_b[static_cast<size_t>(ra)],
           strides_b[static_cast<size_t>(1 - ra)]};
    p.pack_b = is_frozen(graph, n.inputs[1]);
  } else {
    const Contract::Axes first = {0};
    if (c.lhs.batch != first || c.rhs.batch != first || a.rank() != 3 || b.rank() != 3)
      return {nullptr, "oneDNN takes one leading batch dimension"};
    p.batch = a[0];
    p.a_batch_stride = strides_a[0];
    p.b_batch_stride = strides_b[0];
    p.a = {a[3 - la], a[la], strides_a[static_cast<size_t>(3 - la)],
           strides_a[static_cast<size_t>(la)]};
    p.b = {b[ra], b[3 - ra], strides_b[static_cast<size_t>(ra)],
           strides_b[static_cast<size_t>(3 - ra)]};
  }
  return make_product(p, 2);
}

}  // namespace sinter::onednn
