// Reads the reference cases of tests/data/keras; its README says what each file holds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sinter::keras_test {

struct Variable {
  std::string name;
  Shape shape;
};

struct Tolerance {
  double history = 0;
  double weights = 0;
  double predictions = 0;
};

struct History {
  std::vector<int> epochs;
  std::map<std::string, std::vector<double>> values;
};

/// The folder of one case and what its case.json says.
struct Case {
  std::string name;
  std::string covers;
  std::map<std::string, std::vector<std::string>> files;
  std::vector<Variable> weights;
  std::vector<Variable> optimizer_variables;
  int64_t iterations = 0;
  Tolerance tolerance;
  double tolerance_float64 = 0;
  /// A softmax or sigmoid of the outputs comes to its ends.
  bool saturated = false;
  double rtol = 0;
  double atol = 0;

  std::string path(const std::string& file) const;
  bool has(const std::string& stem) const { return files.contains(stem); }
  /// All arrays of "x", "y", "y_pred", ...; floats are converted to `floats`, integers stay.
  std::vector<Tensor> arrays(const std::string& stem, DType floats) const;
  /// A flat file of float values cut into tensors of `variables`' shapes.
  std::vector<Tensor> split(const std::string& file, const std::vector<Variable>& variables,
                            DType dtype) const;
  History history(const std::string& file) const;
  std::map<std::string, double> evaluate() const;
};

/// The folder `keras` of the folder that SINTER_DATA names: training cases beside those in the
/// tree.
/// "" where there is none.
std::string more_cases();
/// "" for the training cases, "json" for the architectures: the names of the folders there that
/// hold a case.json.
std::vector<std::string> case_names(const std::string& group);
Case load_case(const std::string& group, const std::string& name);

/// The whole text of a file; raises when it cannot be read.
std::string read_text(const std::string& path);
/// Keras JSON with every "float32" made "float64": layers, inputs and metrics compute in the dtype
/// they name.
std::string as_float64(std::string json);

struct ActivationTable {
  std::vector<double> x;
  /// NaN stands for null: an infinite value, or a slope at a kink.
  std::map<std::string, std::vector<double>> f;
  std::map<std::string, std::vector<double>> df;
  std::map<std::string, double> tolerance;
  struct Rows {
    std::vector<std::vector<double>> x, f;
  };
  std::map<std::string, Rows> rows;  // of the activations that join a row
};
ActivationTable load_activations();

/// Rates of CosineDecayRestarts.
struct ScheduleSample {
  std::map<std::string, double> config;
  std::vector<int64_t> steps;
  std::vector<double> rates;
};
std::vector<ScheduleSample> load_schedules();

struct InitializerSample {
  std::string name;
  std::map<std::string, double> config;
  Shape shape;
  double mean, std, min, max;
  std::vector<double> quartiles;
};
std::vector<InitializerSample> load_initializers();

}  // namespace sinter::keras_test
