// The tolerance rule of tests/data/keras/README.md as GoogleTest assertions that say where the
// worst value is.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "tests/keras/case_files.h"

namespace sinter::keras_test {

/// |a-b| <= t (1e-2+|b|) everywhere, same shapes.
testing::AssertionResult near(const Tensor& found, const Tensor& expected, double t,
                              const std::string& what);
/// The same for lists, with names for the message.
testing::AssertionResult near(const std::vector<Tensor>& found, const std::vector<Tensor>& expected,
                              double t, const std::vector<Variable>& names);
/// |a-b| <= t max|b| everywhere: the rule for optimizer variables.
testing::AssertionResult near_in_scale(const std::vector<Tensor>& found,
                                       const std::vector<Tensor>& expected, double t,
                                       const std::vector<Variable>& names);
/// Same keys, same lengths, |a-b| <= t (1e-2+|b|); accuracies may differ by `one_sample` (with a
/// little for rounding).
testing::AssertionResult near(const std::map<std::string, std::vector<double>>& found,
                              const std::map<std::string, std::vector<double>>& expected, double t,
                              double one_sample);

}  // namespace sinter::keras_test
