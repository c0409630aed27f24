// Learning rates of schedules against Keras's.
#include <gtest/gtest.h>

#include "frontend/optimizers/learning_rate.h"
#include "tests/keras/case_files.h"

namespace sinter::keras_test {
namespace {

TEST(KerasSchedules, CosineDecayRestarts) {
  for (const ScheduleSample& sample : load_schedules()) {
    const auto& c = sample.config;
    const LearningRate rate = sinter::CosineDecayRestarts(
        {.initial_learning_rate = c.at("initial_learning_rate"),
         .first_decay_steps = static_cast<int64_t>(c.at("first_decay_steps")),
         .t_mul = c.at("t_mul"),
         .m_mul = c.at("m_mul"),
         .alpha = c.at("alpha")});
    ASSERT_GT(sample.steps.size(), 40u);
    for (size_t i = 0; i < sample.steps.size(); ++i)
      EXPECT_NEAR(rate.at(sample.steps[i]), sample.rates[i], 1e-6)
          << "t_mul " << c.at("t_mul") << ", step " << sample.steps[i];
  }
}

}  // namespace
}  // namespace sinter::keras_test
