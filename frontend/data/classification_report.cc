#include "frontend/data/classification_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "core/error.h"
#include "core/line.h"
#include "core/utf8.h"
#include "frontend/data/confusion_counts.h"

namespace sinter {
namespace {

constexpr size_t kNumberWidth = 9;

std::string right_aligned(const std::string& text, size_t width) {
  const size_t taken = columns_of(text);
  return std::string(width > taken ? width - taken : 0, ' ') + text;
}

std::string line_of(const std::string& name, size_t width, const std::vector<std::string>& fields) {
  std::string line = right_aligned(name, width) + " ";
  for (const std::string& field : fields) line += " " + right_aligned(field, kNumberWidth);
  return line + "\n";
}

}  // namespace

std::string ClassificationReport::text(int digits) const {
  size_t width = std::max<size_t>(columns_of(weighted_avg.name), static_cast<size_t>(digits));
  for (const ClassScores& scores : classes) width = std::max(width, columns_of(scores.name));
  const auto number = [&](double value) { return fmt::format("{:.{}f}", value, digits); };
  const auto support = [&](double value) {
    return is_weighted ? number(value) : fmt::format("{:.0f}", value);
  };
  const auto row = [&](const ClassScores& scores) {
    return line_of(scores.name, width,
                   {number(scores.precision), number(scores.recall), number(scores.f1_score),
                    support(scores.support)});
  };
  std::string result = line_of("", width, {"precision", "recall", "f1-score", "support"}) + "\n";
  for (const ClassScores& scores : classes) result += row(scores);
  result += "\n";
  result += line_of("accuracy", width, {"", "", number(accuracy), support(macro_avg.support)});
  return result + row(macro_avg) + row(weighted_avg);
}

std::ostream& operator<<(std::ostream& out, const ClassificationReport& report) {
  return out << report.text();
}

ClassificationReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                           ClassificationReportOptions options,
                                           SourceLocation where) {
  return at_line(where, [&] {
    const bool named = !options.class_names.empty();
    constexpr const char* kCall = "classification_report";
    const Tensor counts = confusion_counts(
        kCall, y_true, y_pred,
        {.num_classes = named ? std::optional(std::ssize(options.class_names)) : std::nullopt,
         .sample_weight = options.sample_weight});
    // Which classes occur is a matter of rows, not of their weights.
    const Tensor rows = options.sample_weight ? confusion_counts(kCall, y_true, y_pred,
                                                                 {.num_classes = counts.shape()[0]})
                                              : counts;
    const int64_t n = counts.shape()[0];
    const auto divided = [&](double part, double all) {
      return all == 0 ? options.zero_division : part / all;
    };
    ClassificationReport report;
    report.macro_avg.name = "macro avg";
    report.weighted_avg.name = "weighted avg";
    report.is_weighted = options.sample_weight.has_value();
    double right = 0, all = 0;
    for (int64_t i = 0; i < n; ++i) {
      double of_class = 0, taken = 0, seen = 0;
      for (int64_t j = 0; j < n; ++j) {
        of_class += counts.at(i * n + j);
        taken += counts.at(j * n + i);
        seen += rows.at(i * n + j) + rows.at(j * n + i);
      }
      const double hits = counts.at(i * n + i);
      right += hits;
      all += of_class;
      if (!named && seen == 0) continue;
      report.classes.push_back(
          {.name = named ? options.class_names[static_cast<size_t>(i)] : std::to_string(i),
           .precision = divided(hits, taken),
           .recall = divided(hits, of_class),
           .f1_score = divided(2 * hits, taken + of_class),
           .support = of_class});
    }
    if (report.classes.empty()) throw Error("classification_report: there is no row");
    report.accuracy = divided(right, all);
    // The mean of `score` over classes, each counting as `weight` says.
    const auto mean = [&](double ClassScores::*score, const auto& weight) {
      double sum = 0, weights = 0;
      for (const ClassScores& scores : report.classes) {
        sum += weight(scores) * scores.*score;
        weights += weight(scores);
      }
      return divided(sum, weights);
    };
    for (double ClassScores::*score :
         {&ClassScores::precision, &ClassScores::recall, &ClassScores::f1_score}) {
      report.macro_avg.*score = mean(score, [](const ClassScores&) { return 1.0; });
      report.weighted_avg.*score = mean(score, [](const ClassScores& s) { return s.support; });
    }
    report.macro_avg.support = report.weighted_avg.support = all;
    return report;
  });
}

}  // namespace sinter
