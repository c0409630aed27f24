// Links sinter::runtime alone: loads a file of lowered graphs and runs it, which needs no ops, no
// passes and no frontend.
//
//   link_run_inference                     writes a small file itself, runs it and checks the
//   values link_run_inference FILE BATCH BACKEND  runs graph "inference" of FILE on inputs 0, 1/64,
//   2/64 ... 255/64, 0 ... and prints each output value
#include <sinter/runtime.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
using namespace sinter;

namespace {

std::vector<Tensor> run(const std::string& path, int64_t batch, const std::string& backend) {
  const ModelFile file = load_model_file(path);
  const Graph* graph = file.find_graph("inference");
  if (graph == nullptr) throw Error("the file holds no graph 'inference'");
  const std::unique_ptr<Executable> executable =
      load_executable(*graph, {.backend = backend, .batch = batch});
  executable->bind(variables_from_file(file, *graph));
  std::vector<Tensor> inputs;
  for (int32_t index : executable->graph().inputs()) {
    const ValueType& type = executable->graph().type({index, 0});
    Tensor x(type.dtype, type.shape);
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % 256) / 64);
    inputs.push_back(x);
  }
  const std::vector<Tensor> outputs = executable->run(inputs);
  return outputs;
}

/// y = max(x . w, 0) in kernel ops.
void write_example(const std::string& path) {
  ModelFile file;
  file.kind = "inference";
  Graph graph("inference");
  const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 2}});
  const Symbol w = graph.variable("w", {DType::kFloat32, {2, 2}});
  const Symbol product = graph.add1(
      "contract", {x, w},
      {{"lhs_contract", std::vector<int64_t>{1}}, {"rhs_contract", std::vector<int64_t>{0}}});
  const auto relu =
      std::make_shared<const ScalarExpr>(ScalarExpr::parse("(float32) -> max(a0, 0:float32)"));
  graph.add_output("y", graph.add1("map", {product}, {{"body", relu}}).id());
  file.graphs.push_back(std::move(graph));
  file.tensors.push_back({"w", Tensor::from<float>({2, 2}, std::vector<float>{64, -64, 64, 128})});
  save_model_file(path, file);
}

int self_check() {
  const char* folder = std::getenv("TMPDIR");
  const std::string path =
      std::string(folder == nullptr ? "/tmp" : folder) + "/sinter-link-test.sinter";
  write_example(path);
  const std::vector<Tensor> y = run(path, 2, "reference");
  std::remove(path.c_str());
  // x = [[0, 1], [2, 3]] / 64
  const double expected[] = {1, 2, 5, 4};
  for (int i = 0; i < 4; ++i) {
    if (y[0].at(i) != expected[i]) {
      std::fprintf(stderr, "value %d is %g, expected %g\n", i, y[0].at(i), expected[i]);
      return 1;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 1) return self_check();
    if (argc != 4) return 2;
    for (const Tensor& t : run(argv[1], std::atoll(argv[2]), argv[3])) {
      for (int64_t i = 0; i < t.elements(); ++i) std::printf("%.17g\n", t.at(i));
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
