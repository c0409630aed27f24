// Profile: what it says of runs, as data, as a table and as a trace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sinter/sinter.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "core/file_io.h"
#include "frontend/profile/any_numbers.h"
#include "frontend/profile/limits.h"
#include "frontend/profile/roofline_loops.h"
#include "runtime/counters.h"
#include "runtime/executable.h"
#include "runtime/recording.h"
#include "runtime/thread_pool.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

constexpr int kLineOfFirst = __LINE__ + 4;
Model network() {
  clear_session();
  auto x = Input({64});
  auto h = Dense(96, {.activation = "relu", .name = "first"})(x);
  Model model(x, Dense(10, {.activation = "softmax", .name = "second"})(h));
  model.compile({.optimizer = Adam(), .loss = "categorical_crossentropy"});
  return model;
}

const Tensor x_ = any_numbers({DType::kFloat32, {32, 64}});
const Tensor y_ = any_numbers({DType::kFloat32, {32, 10}});

json trace_of(Profile& profile) {
  const TemporaryFolder folder;
  profile.save_trace(folder.file("t.json"));
  return json::parse(read_file(folder.file("t.json")));
}

// Slices of a thread lie beside or within each other, and each of them within the time of a run.
void expect_nested(const json& trace) {
  std::map<int64_t, std::vector<json>> threads;
  std::vector<json> runs;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    threads[event["tid"].get<int64_t>()].push_back(event);
    if (event["cat"] == "run" && event["args"].contains("run")) runs.push_back(event);
  }
  const auto begin = [](const json& e) { return e["ts"].get<double>(); };
  const auto end = [](const json& e) { return e["ts"].get<double>() + e["dur"].get<double>(); };
  constexpr double kRounded = 0.002;
  for (auto& [thread, slices] : threads) {
    std::ranges::stable_sort(slices, [&](const json& a, const json& b) {
      return begin(a) != begin(b) ? begin(a) < begin(b) : end(a) > end(b);
    });
    std::vector<json> open;
    for (const json& slice : slices) {
      while (!open.empty() && end(open.back()) <= begin(slice) + kRounded) open.pop_back();
      if (!open.empty()) EXPECT_LE(end(slice), end(open.back()) + kRounded) << slice << open.back();
      open.push_back(slice);
      EXPECT_TRUE(std::ranges::any_of(runs, [&](const json& run) {
        return begin(run) <= begin(slice) + kRounded && end(slice) <= end(run) + kRounded;
      })) << slice;
    }
  }
}

TEST(Profile, NamesLayersLinesAndPartsOfTraining) {
  Model model = network();
  model.train_on_batch(x_, y_);
  Profile profile;
  for (int i = 0; i < 5; ++i) model.train_on_batch(x_, y_);
  const std::vector<ProfiledKernel>& kernels = profile.kernels();
  ASSERT_FALSE(kernels.empty());
  EXPECT_EQ(profile.runs(), 5);
  EXPECT_EQ(profile.runs_left_out(), 0);
  std::set<std::string> parts;
  int64_t products = 0;
  for (const ProfiledKernel& kernel : kernels) {
    EXPECT_EQ(kernel.runs, 5);
    EXPECT_GT(kernel.microseconds, 0);
    EXPECT_GE(kernel.threads, 1);
    EXPECT_GT(kernel.bytes, 0);
    parts.insert(kernel.part);
    products += kernel.flops;
  }
  EXPECT_EQ(parts, (std::set<std::string>{"forward", "backward", "update"}));
  // x.W of both layers, x^T.dy of both, dy.W^T of the second: two operations a term, and the rest.
  constexpr int64_t kProducts = 2 * 32 * (2 * 64 * 96 + 3 * 96 * 10);
  EXPECT_GE(products, kProducts);
  EXPECT_LE(products, 2 * kProducts);
  EXPECT_TRUE(std::ranges::is_sorted(kernels, std::greater(), &ProfiledKernel::microseconds));
  const std::string line = "profile_test.cc:" + std::to_string(kLineOfFirst);
  EXPECT_THAT(kernels, Contains(AllOf(Field(&ProfiledKernel::layer, HasSubstr("first")),
                                      Field(&ProfiledKernel::line, line),
                                      Field(&ProfiledKernel::part, "forward"))));
  EXPECT_THAT(kernels, Contains(AllOf(Field(&ProfiledKernel::layer, HasSubstr("first")),
                                      Field(&ProfiledKernel::line, line),
                                      Field(&ProfiledKernel::part, Not("forward")))));
  std::ostringstream table;
  table << profile;
  EXPECT_THAT(table.str(), HasSubstr("a step of training \"functional\", 32 rows: 5 runs, "));
  EXPECT_THAT(table.str(), HasSubstr(line));
  EXPECT_THAT(table.str(), HasSubstr("GFLOP/s"));
  EXPECT_EQ(profile.counters(), "");
}

TEST(Profile, TraceHasEveryPieceOnItsThread) {
  const int before = threads();
  set_threads(2);
  Model model = network();
  const Tensor many = any_numbers({DType::kFloat32, {4096, 64}});
  const Tensor labels = any_numbers({DType::kFloat32, {4096, 10}});
  model.train_on_batch(many, labels);
  Profile profile;
  for (int i = 0; i < 3; ++i) model.train_on_batch(many, labels);
  std::thread([&] { model.predict_on_batch(many); }).join();
  const json trace = trace_of(profile);
  set_threads(before);
  expect_nested(trace);
  std::set<std::string> names;
  std::map<std::string, int> runs;
  std::set<int64_t> threads, named;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == "M") {
      if (event["name"] == "thread_name") named.insert(event["tid"].get<int64_t>());
      continue;
    }
    threads.insert(event["tid"].get<int64_t>());
    names.insert(event["name"].get<std::string>());
    if (event["cat"] == "run" || event["cat"] == "preparation") continue;
    for (const char* key : {"op", "backend", "phase", "piece", "flops", "bytes", "GFLOP/s", "GB/s"})
      EXPECT_TRUE(event["args"].contains(key)) << key << " " << event;
    if (roofline::available_vectors().empty()) continue;
    EXPECT_GT(event["args"]["share_of_limit"].get<double>(), 0) << event;
  }
  EXPECT_EQ(named, threads);
  EXPECT_GE(threads.size(), 2u) << "the thread that predicted is another one";
  EXPECT_THAT(names, Contains(HasSubstr("first")));
  EXPECT_THAT(names, Contains(HasSubstr(" backward")));
  EXPECT_EQ(trace["otherData"]["runs"], 4);
}

// Of the same pieces: all of them, each once a run.
TEST(Profile, RecordsEachPieceOnce) {
  const int before = threads();
  set_threads(3);
  Model model = network();
  const Tensor many = any_numbers({DType::kFloat32, {2048, 64}});
  const Tensor labels = any_numbers({DType::kFloat32, {2048, 10}});
  model.train_on_batch(many, labels);
  ASSERT_TRUE(start_recording());
  for (int i = 0; i < 20; ++i) model.train_on_batch(many, labels);
  const Recording recording = stop_recording();
  set_threads(before);
  ASSERT_EQ(recording.runs.size(), 20u);
  for (const RecordedRun& run : recording.runs) {
    std::map<std::tuple<int32_t, int32_t, int32_t>, int> seen;
    for (const RecordedSlice& slice : run.slices) {
      ++seen[{slice.step, slice.phase, slice.piece}];
      EXPECT_LE(run.begin, slice.begin);
      EXPECT_LE(slice.begin, slice.end);
      EXPECT_LE(slice.end, run.end);
    }
    size_t pieces = 0;
    for (const auto& stage : run.program->stages) {
      for (const StepPhase& at : stage)
        pieces += static_cast<size_t>(
            run.program->steps[static_cast<size_t>(at.step)].kernel->pieces(at.phase));
    }
    EXPECT_EQ(seen.size(), pieces);
    for (const auto& [piece, times] : seen) EXPECT_EQ(times, 1);
  }
}

TEST(Profile, KnowsTheStepsOfMicroBatches) {
  clear_session();
  auto x = Input({64, 64, 1});
  auto h = MaxPooling2D()(Conv2D(8, 3, {.padding = "same", .activation = "relu"})(x));
  const Model model(x, Dense(10)(Flatten()(Conv2D(8, 3, {.name = "inner"})(h))));
  const Tensor images = any_numbers({DType::kFloat32, {64, 64, 64, 1}});
  model.predict_on_batch(images);
  Profile profile;
  model.predict_on_batch(images);
  const json trace = trace_of(profile);
  expect_nested(trace);
  const auto slices = std::ranges::count_if(
      trace["traceEvents"], [](const json& event) { return event["name"] == "micro-batch"; });
  EXPECT_GT(slices, 1) << "this program ran whole, so the test sees nothing";
  EXPECT_THAT(profile.kernels(), Contains(Field(&ProfiledKernel::layer, HasSubstr("inner"))));
  EXPECT_THAT(profile.kernels(), Not(Contains(Field(&ProfiledKernel::op, "micro-batch"))));
  // All images, whatever the micro-batches are.
  const auto inner = std::ranges::find_if(profile.kernels(), [](const ProfiledKernel& k) {
    return k.layer.find("inner") != std::string::npos && k.flops > 0;
  });
  ASSERT_NE(inner, profile.kernels().end());
  EXPECT_GE(inner->flops, int64_t{64} * 30 * 30 * 8 * 9 * 8 * 2);
}

TEST(Profile, OneAtATimeAndNothingBeforeOrAfter) {
  Model model = network();
  model.train_on_batch(x_, y_);
  {
    Profile profile;
    EXPECT_THROW(Profile{}, Error);
    EXPECT_TRUE(is_recording());
    model.train_on_batch(x_, y_);
    EXPECT_EQ(profile.runs(), 1);
    EXPECT_FALSE(is_recording()) << "what was asked ends with the question";
    model.train_on_batch(x_, y_);
    EXPECT_EQ(profile.runs(), 1);
    Profile next;
    EXPECT_EQ(next.to_string(), "nothing ran while this profile recorded\n");
  }
  EXPECT_FALSE(is_recording());
  { const Profile profile; }
  EXPECT_FALSE(is_recording());
}

TEST(Profile, OutlivesTheModel) {
  Profile profile;
  {
    Model model = network();
    model.train_on_batch(x_, y_);
  }
  EXPECT_THAT(profile.to_string(), HasSubstr("first"));
  EXPECT_THAT(trace_of(profile)["traceEvents"].dump(), HasSubstr("first"));
}

TEST(Profile, SaysWhetherItCounts) {
  Model model = network();
  Profile profile({.counters = true});
  model.train_on_batch(x_, y_);
  const ThreadCounters counters(hardware_events());
  if (counters.why_not().empty()) {
    EXPECT_EQ(profile.counters(), "cycles, instructions, cache misses");
    EXPECT_THAT(profile.to_string(), HasSubstr("instructions a cycle"));
    for (const ProfiledKernel& kernel : profile.kernels()) EXPECT_GT(kernel.instructions, 0);
  } else {
    EXPECT_EQ(profile.counters(), counters.why_not());
    EXPECT_THAT(profile.to_string(), HasSubstr("no hardware counters: " + counters.why_not()));
  }
}

// Events of the system itself are there on virtual machines, too. Of one kind, as those of the
// processor are: clocks in a group with page faults stand still on some kernels.
constexpr CounterEvents kPageFaults = {{{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
                                        {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
                                        {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ}}};

// Of memory that was not there before, as that of the heap might have been.
void fault_pages() {
  constexpr size_t kPages = 1000, kPage = 4096;
  void* const pages =
      ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  std::memset(pages, 1, kPages * kPage);
  ::munmap(pages, kPages * kPage);
}

// What a recorded slice counts on the calling thread.
Counted counted_by_a_slice() {
  const Program program;
  std::vector<RecordedSlice> slices;
  recording_thread(/*anew=*/true);
  {
    const SliceTimer timer(slices, program, 0, 0, 0);
    fault_pages();
  }
  return slices.front().counted;
}

TEST(ThreadCounters, CountForTheirThread) {
  const ThreadCounters counters(kPageFaults);
  if (!counters.why_not().empty()) GTEST_SKIP() << counters.why_not();
  const Counted before = counters.read();
  fault_pages();
  const Counted counted = counters.read() - before;
  EXPECT_GT(counted.cycles, 0u);
  EXPECT_EQ(counted.instructions + counted.cache_misses, counted.cycles);
}

// Counts of the time that was counted stand for all of the time: of a difference and of a sum, what
// was before it says nothing.
TEST(ThreadCounters, AreScaledByTheirOwnTime) {
  const Counted before{1000, 0, 0, 1000, 1000}, after{1300, 0, 0, 2000, 1500};
  Counted slice = after - before;
  EXPECT_EQ(slice.whole(slice.cycles), 600);
  slice += Counted{0, 0, 0, 500, 0};  // another, that was never counted
  EXPECT_EQ(slice.whole(slice.cycles), 900);
  EXPECT_EQ(Counted().whole(0), 0);
}

TEST(ThreadCounters, AChildCountsItself) {
  if (!ThreadCounters(kPageFaults).why_not().empty()) GTEST_SKIP() << "no counters: NOT TESTED";
  ASSERT_TRUE(start_recording(kPageFaults));
  EXPECT_GT(counted_by_a_slice().cycles, 0u);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(counted_by_a_slice().cycles > 0 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(stop_recording().counts);
}

// Where one thread counts nothing, sums are none.
TEST(ThreadCounters, AWorkerThatCannotCountIsSeen) {
  if (!ThreadCounters(kPageFaults).why_not().empty()) GTEST_SKIP() << "no counters: NOT TESTED";
  ASSERT_TRUE(start_recording(kPageFaults));
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  std::thread([&] {
    const rlimit none{0, files.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    counted_by_a_slice();
    ::setrlimit(RLIMIT_NOFILE, &files);
  }).join();
  const Recording recording = stop_recording();
  EXPECT_FALSE(recording.counts);
  EXPECT_THAT(recording.why_not_counted, HasSubstr("Too many open files"));
}

TEST(ThreadCounters, SayWhatIsMissing) {
  const ThreadCounters counters({{{PERF_TYPE_SOFTWARE, 9999}, {}, {}}});
  EXPECT_THAT(counters.why_not(), HasSubstr("perf_event_open"));
  EXPECT_EQ(counters.read().cycles, 0u);
}

TEST(KernelRate, IsBoundedByArithmeticOrMemory) {
  if (roofline::available_vectors().empty()) GTEST_SKIP() << "no loops for this architecture";
  const KernelRate product = rate_of({2'000'000'000, 4096, "float32"}, 1, 1);
  EXPECT_EQ(product.limit, "arithmetic");
  EXPECT_EQ(product.to_string(), "2.00 GFLOP/s");
  EXPECT_GT(product.share, 0);
  const KernelRate copy = rate_of({0, 4096, "float32"}, 1, 1);
  EXPECT_EQ(copy.limit, "L1");
  EXPECT_EQ(copy.to_string(), "0.00 GB/s");
  // Twice as fast is twice the share.
  EXPECT_NEAR(rate_of({2'000'000'000, 4096, "float32"}, 0.5, 1).share, 2 * product.share,
              1e-9 * product.share);
}

}  // namespace
}  // namespace sinter
