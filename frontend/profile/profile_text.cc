// A profile as a table and as a trace.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <set>

#include "core/counted.h"
#include "core/utf8.h"
#include "frontend/interop/json.h"
#include "frontend/profile/profile_data.h"

namespace sinter {
namespace {

constexpr std::string_view kPreparation = "what follows from the weights alone";

// Rows of cells; the first one is the head. Numbers end where their column does.
class TextTable {
 public:
  TextTable(std::vector<std::string> head, size_t numbers) : numbers_(numbers) {
    add(std::move(head));
  }
  void add(std::vector<std::string> row) {
    widths_.resize(row.size());
    for (size_t c = 0; c < row.size(); ++c) widths_[c] = std::max(widths_[c], columns_of(row[c]));
    rows_.push_back(std::move(row));
  }
  std::string to_string() const {
    std::string text;
    for (const std::vector<std::string>& row : rows_) {
      for (size_t c = 0; c < row.size(); ++c) {
        const std::string space(widths_[c] - columns_of(row[c]), ' ');
        text += c < numbers_ ? "  " + space + row[c] : "  " + row[c] + space;
      }
      text.resize(text.find_last_not_of(' ') + 1);
      text += "\n";
    }
    return text;
  }

 private:
  size_t numbers_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

std::string kernel_text(const ProfiledKernel& kernel) {
  return fmt::format("{} on {}{}", kernel.op, kernel.backend,
                     kernel.description.empty() ? "" : ", " + kernel.description);
}

std::string share_text(double share, const std::string& limit) {
  return limit.empty() ? "" : fmt::format("{:.0f} % of {}", 100 * share, limit);
}

}  // namespace

std::string profile_table(const ProfiledProgram& program, bool counted_too) {
  double all = 0;
  int threads = 1;
  for (const ProfiledKernel& kernel : program.kernels) {
    all += kernel.microseconds;
    threads = std::max(threads, kernel.threads);
  }
  std::vector<std::string> head = {"us", "time", "threads", "rate", "limit"};
  if (counted_too) head.insert(head.end(), {"instructions a cycle", "cache misses"});
  const size_t numbers = head.size();
  head.insert(head.end(), {"part", "layer", "line", "kernel"});
  TextTable table(std::move(head), numbers);
  for (const ProfiledKernel& k : program.kernels) {
    const KernelRate rate{k.gflops, k.gb_per_s, k.limit, k.share};
    std::vector<std::string> row = {
        fmt::format("{:.2f}", k.microseconds),
        fmt::format("{:.1f} %", 100 * k.microseconds / std::max(all, 1e-9)),
        std::to_string(k.threads), rate.to_string(), share_text(k.share, k.limit)};
    if (counted_too) {
      row.push_back(k.cycles > 0 ? fmt::format("{:.2f}", k.instructions / k.cycles) : "");
      row.push_back(fmt::format("{:.0f}", k.cache_misses));
    }
    row.insert(row.end(), {k.part, k.layer, k.line, kernel_text(k)});
    table.add(std::move(row));
  }
  return fmt::format("{}: {}, {:.1f} us each (median); {:.1f} us of {} in kernels\n{}",
                     program.name, counted(program.runs, "run"), program.microseconds, all,
                     counted(threads, "thread"), table.to_string());
}

namespace {

// Lines of a JSON list. Times are microseconds since the first run began.
class TraceWriter {
 public:
  explicit TraceWriter(const Recording& recording) {
    for (const RecordedRun& run : recording.runs)
      begin_ = begin_ == 0 ? run.begin : std::min(begin_, run.begin);
  }

  void add_slice(std::string_view name, std::string_view category, int32_t thread, int64_t begin,
                 int64_t end, const std::string& arguments) {
    threads_.insert(thread);
    next();
    fmt::format_to(std::back_inserter(text_),
                   R"({{"ph":"X","pid":{},"tid":{},"ts":{:.3f},"dur":{:.3f},"name":{},"cat":"{}")",
                   process_, thread, microseconds(begin - begin_), microseconds(end - begin),
                   quoted(name), category);
    if (!arguments.empty()) fmt::format_to(std::back_inserter(text_), R"(,"args":{})", arguments);
    text_ += "}";
  }

  std::string finish(const Recording& recording) {
    name("process_name", process_, "sinter");
    for (const int32_t thread : threads_)
      name("thread_name", thread, thread == process_ ? "main" : fmt::format("thread {}", thread));
    text_ += "\n]";
    fmt::format_to(std::back_inserter(text_),
                   R"(,"displayTimeUnit":"ns","otherData":{{"runs":{},"runs_left_out":{}}}}})",
                   recording.runs.size(), recording.left_out);
    return std::move(text_) + "\n";
  }

  static std::string quoted(std::string_view text) {
    return to_json_text(ConfigValue(std::string(text)));
  }

 private:
  static double microseconds(int64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000;
  }
  void next() { text_ += text_.back() == '[' ? "\n" : ",\n"; }
  void name(std::string_view what, int32_t thread, std::string_view value) {
    next();
    fmt::format_to(std::back_inserter(text_),
                   R"({{"ph":"M","pid":{},"tid":{},"name":"{}","args":{{"name":{}}}}})", process_,
                   thread, what, quoted(value));
  }

  const int process_ = ::getpid();
  int64_t begin_ = 0;
  std::set<int32_t> threads_;
  std::string text_ = "{\"traceEvents\":[";
};

double rounded(double value) { return std::stod(fmt::format("{:.4g}", value)); }

// What a slice says beside its name; but for the piece the same for all of a kernel in a run.
Config arguments_of(const KernelFacts& facts, const KernelRun& run, const RecordedSlice& slice) {
  const ProfiledKernel& told = facts.told;
  Config result;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) result.set(key, value);
  };
  add("layer", told.layer);
  add("line", told.line);
  add("part", told.part);
  add("op", told.op);
  add("backend", told.backend);
  add("kernel", told.description);
  result.set("phase", slice.phase).set("piece", slice.piece);
  if (facts.holds_others) return result;
  const KernelRate rate = rate_of(facts, run);
  result.set("flops", facts.work.flops).set("bytes", facts.work.bytes);
  result.set("GFLOP/s", rounded(rate.gflops)).set("GB/s", rounded(rate.gb_per_s));
  if (!rate.limit.empty())
    result.set("limit", rate.limit).set("share_of_limit", rounded(rate.share));
  return result;
}

std::string slice_name(const ProfiledKernel& told) {
  if (told.layer.empty()) return told.op;
  return told.layer + " " + told.part;
}

}  // namespace

std::string trace_text(const Recording& recording, ProgramFacts& facts) {
  TraceWriter writer(recording);
  for (size_t r = 0; r < recording.runs.size(); ++r) {
    const RecordedRun& run = recording.runs[r];
    const std::map<KernelKey, KernelRun> kernels = kernels_of(run);
    writer.add_slice(run.program->graph.name(), "run", run.thread, run.begin, run.end,
                     to_json_text(Config{{"run", static_cast<int64_t>(r)}}));
    for (const RecordedSlice& slice : run.slices) {
      if (slice.step < 0) {
        writer.add_slice(kPreparation, "preparation", slice.thread, slice.begin, slice.end, "");
        continue;
      }
      const KernelFacts& known = facts.of(*slice.program)[static_cast<size_t>(slice.step)];
      Config arguments = arguments_of(known, kernels.at({slice.program, slice.step}), slice);
      if (recording.counts) {
        const Counted& c = slice.counted;
        arguments.set("cycles", std::lround(c.whole(c.cycles)))
            .set("instructions", std::lround(c.whole(c.instructions)))
            .set("cache_misses", std::lround(c.whole(c.cache_misses)));
      }
      writer.add_slice(slice_name(known.told), known.told.part.empty() ? "run" : known.told.part,
                       slice.thread, slice.begin, slice.end, to_json_text(arguments));
    }
  }
  return writer.finish(recording);
}

}  // namespace sinter
