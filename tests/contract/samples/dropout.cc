#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void dropout_samples(Samples& out) {
  const InputSpec state{Shape{2}, 0, 0, DType::kInt64, {123456789012, 7}};
  for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
    out.push_back({"random",
                   {state},
                   {{"shape", Shape{3, 70}},
                    {"dtype", dtype},
                    {"distribution", std::string("uniform")},
                    {"stream", int64_t{2}}},
                   0});
  }
  out.push_back(
      {"random",
       {state},
       {{"shape", Shape{131}}, {"dtype", DType::kInt32}, {"distribution", std::string("bits")}},
       0});
  out.push_back({"random",
                 {state},
                 {{"shape", Shape{3, 70}},
                  {"dtype", DType::kInt32},
                  {"distribution", std::string("bits16")},
                  {"stream", int64_t{2}}},
                 0});
  for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
    out.push_back({"random_normal",
                   {state},
                   {{"shape", Shape{3, 70}}, {"dtype", dtype}, {"stream", int64_t{2}}},
                   1e-5});
  }
  out.push_back({"dropout",
                 {{Shape{9, 15}}, state},
                 {{"rate", 0.4}, {"stream", int64_t{1}}, {"noise_shape", Shape{9, 15}}}});
  out.push_back(
      {"dropout", {{Shape{9, 15}}, state}, {{"rate", 0.5}, {"noise_shape", Shape{9, 1}}}});
  out.push_back(
      {"dropout", {{Shape{9, 15}}, state}, {{"rate", 0.995}, {"noise_shape", Shape{9, 15}}}});
  out.push_back({"dropout", {{Shape{4}}, state}, {{"rate", 0.0}, {"noise_shape", Shape{4}}}});
}

}  // namespace sinter::contract
