// Dataset: which elements come, in which order, from how many threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>

#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Numbers = std::vector<int64_t>;

/// The x of each element, flat.
Numbers all(const Dataset& dataset) {
  Numbers result;
  for (const Element& e : dataset) {
    const Tensor x = e.x();
    for (int64_t i = 0; i < x.elements(); ++i) result.push_back(static_cast<int64_t>(x.at(i)));
  }
  return result;
}

std::vector<Numbers> each(const Dataset& dataset) {
  std::vector<Numbers> result;
  for (const Element& e : dataset) {
    const Tensor x = e.x();
    result.emplace_back();
    for (int64_t i = 0; i < x.elements(); ++i)
      result.back().push_back(static_cast<int64_t>(x.at(i)));
  }
  return result;
}

Numbers counted(int64_t n) {
  Numbers result(static_cast<size_t>(n));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

/// The rows 0, 1, 2 ...
Dataset rows(int64_t n) {
  Tensor x(int64, {n});
  for (int64_t i = 0; i < n; ++i) x.set(i, static_cast<double>(i));
  return Dataset::from_tensor_slices(x);
}

int64_t value(const Tensor& t) { return static_cast<int64_t>(t.at(0)); }

// Both ways to run: as rows of tensors, and as elements.
class DatasetOrder : public ::testing::TestWithParam<bool> {
 protected:
  static Dataset range(int64_t n) { return GetParam() ? rows(n) : Dataset::range(n); }
};

TEST_P(DatasetOrder, ChoosesElements) {
  EXPECT_EQ(all(range(5)), counted(5));
  EXPECT_EQ(all(range(0)), Numbers());
  EXPECT_THAT(all(range(5).take(2)), ElementsAre(0, 1));
  EXPECT_EQ(all(range(5).take(-1)), counted(5));
  EXPECT_EQ(all(range(5).take(9)), counted(5));
  EXPECT_EQ(all(range(5).take(0)), Numbers());
  EXPECT_THAT(all(range(5).skip(3)), ElementsAre(3, 4));
  EXPECT_EQ(all(range(5).skip(9)), Numbers());
  EXPECT_EQ(all(range(5).skip(-1)), Numbers());
  EXPECT_THAT(all(range(2).repeat(3)), ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_EQ(all(range(2).repeat(0)), Numbers());
  EXPECT_THAT(all(range(3).repeat().take(7)), ElementsAre(0, 1, 2, 0, 1, 2, 0));
  EXPECT_EQ(all(range(0).repeat()), Numbers());
  EXPECT_THAT(all(range(2).concatenate(range(3).skip(1))), ElementsAre(0, 1, 1, 2));
}

TEST_P(DatasetOrder, Batches) {
  using Batches = std::vector<Numbers>;
  EXPECT_EQ(each(range(5).batch(2)), (Batches{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(each(range(5).batch(2, true)), (Batches{{0, 1}, {2, 3}}));
  EXPECT_EQ(each(range(4).batch(2, true)), (Batches{{0, 1}, {2, 3}}));
  EXPECT_EQ(each(range(3).batch(100)), (Batches{{0, 1, 2}}));
  EXPECT_EQ(each(range(0).batch(2)), Batches());
  EXPECT_EQ(range(5).batch(2).first().x().shape(), Shape({2}));
  EXPECT_EQ(range(5).batch(2).batch(2).first().x().shape(), Shape({2, 2}));
  EXPECT_EQ(range(3).repeat(2).batch(4).first().x().shape(), Shape({4}));
  EXPECT_EQ(all(range(3).repeat(2).batch(4)), (Numbers{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(all(range(7).batch(3).unbatch()), counted(7));
  EXPECT_EQ(each(range(3).batch(2).unbatch()), (Batches{{0}, {1}, {2}}));
  EXPECT_THAT(error_of<ShapeError>([&] { all(range(3).unbatch()); }), HasSubstr("scalar"));
}

TEST_P(DatasetOrder, Windows) {
  using Batches = std::vector<Numbers>;
  // What tf.data gives, by its documentation.
  EXPECT_EQ(each(range(7).window(3)), (Batches{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_EQ(each(range(7).window(3, {.drop_remainder = true})), (Batches{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(each(range(5).window(3, {.shift = 1})),
            (Batches{{0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4}, {4}}));
  EXPECT_EQ(each(range(7).window(3, {.shift = 1, .stride = 2, .drop_remainder = true})),
            (Batches{{0, 2, 4}, {1, 3, 5}, {2, 4, 6}}));
  EXPECT_EQ(each(range(7).window(2, {.shift = 3})), (Batches{{0, 1}, {3, 4}, {6}}));
  for (const int64_t n : {0, 1, 2, 5, 7, 8}) {
    for (const int64_t size : {1, 2, 3}) {
      for (const int64_t shift : {1, 2, 4}) {
        for (const int64_t stride : {1, 2}) {
          for (const bool drop : {false, true}) {
            const Dataset w =
                range(n).window(size, {.shift = shift, .stride = stride, .drop_remainder = drop});
            EXPECT_EQ(w.cardinality(), static_cast<int64_t>(each(w).size()))
                << n << " " << size << " " << shift << " " << stride << " " << drop;
          }
        }
      }
    }
  }
}

TEST_P(DatasetOrder, ShufflesWithinItsBuffer) {
  const Numbers shuffled = all(range(100).shuffle(100, 7));
  EXPECT_NE(shuffled, counted(100));
  EXPECT_EQ(std::set(shuffled.begin(), shuffled.end()).size(), 100u);
  EXPECT_EQ(all(range(100).shuffle(1, 7)), counted(100));
  EXPECT_EQ(all(range(100).shuffle(1000, 7)), shuffled) << "another source, the same order";
  const Numbers near = all(range(100).shuffle(5, 7));
  for (size_t i = 0; i < near.size(); ++i) EXPECT_LE(near[i], static_cast<int64_t>(i) + 4);
  EXPECT_NE(all(range(100).shuffle(100, 8)), shuffled);
}

TEST_P(DatasetOrder, ShufflesAnewEachTime) {
  const Dataset anew = range(30).shuffle(30, 7), again = range(30).shuffle(30, 7);
  const Dataset same = range(30).shuffle(30, {.seed = 7, .reshuffle_each_iteration = false});
  const Numbers first = all(anew), second = all(anew);
  EXPECT_NE(first, second);
  EXPECT_EQ(all(again), first);
  EXPECT_EQ(all(again), second);
  EXPECT_EQ(all(same), all(same));
  // Each repetition, too; and they are those of another walk in the next one.
  const Numbers repeated = all(range(30).shuffle(30, 7).repeat(2));
  EXPECT_EQ(Numbers(repeated.begin(), repeated.begin() + 30), first);
  EXPECT_NE(Numbers(repeated.begin() + 30, repeated.end()), first);
  EXPECT_EQ(all(same.repeat(2)).size(), 60u);
  const Numbers twice = all(same.repeat(2));
  EXPECT_EQ(Numbers(twice.begin(), twice.begin() + 30), Numbers(twice.begin() + 30, twice.end()));
}

// All places are equally likely for each element: 3 standard deviations at most in 1,000 tries.
TEST_P(DatasetOrder, ShufflesEvenly) {
  constexpr int kTries = 1000, kElements = 5;
  int at[kElements][kElements] = {};
  const Dataset dataset = range(kElements).shuffle(kElements, 1);
  for (int i = 0; i < kTries; ++i) {
    const Numbers order = all(dataset);
    for (size_t place = 0; place < order.size(); ++place) ++at[order[place]][place];
  }
  for (const auto& places : at) {
    for (const int count : places) EXPECT_NEAR(count, kTries / kElements, 3 * 12.65);
  }
}

TEST_P(DatasetOrder, WithoutASeedTheSessionDecides) {
  set_random_seed(3);
  clear_session();
  const Numbers a = all(range(30).shuffle(30)), b = all(range(30).shuffle(30));
  clear_session();
  set_random_seed(3);
  EXPECT_EQ(all(range(30).shuffle(30)), a);
  EXPECT_NE(a, b);
  set_random_seed(0);
}

TEST_P(DatasetOrder, CacheKeepsTheFirstOrder) {
  const Dataset kept = range(30).shuffle(30, 7).cache();
  (void)kept.first();  // came to no end
  const Numbers first = all(kept);
  EXPECT_EQ(first, all(range(30).shuffle(30, 7)));
  EXPECT_EQ(all(kept), first);
  EXPECT_EQ(all(kept.repeat(2)).size(), 60u);
  EXPECT_NE(all(kept.shuffle(30, 1)), all(kept.shuffle(30, 2)));
}

TEST_P(DatasetOrder, PrefetchChangesNothing) {
  for (const int size : {0, 1, 3, 100, Dataset::kAutotune}) {
    EXPECT_EQ(all(range(40).shuffle(10, 3).prefetch(size).batch(7).prefetch(size)),
              all(range(40).shuffle(10, 3).batch(7)));
  }
  // What was made ahead of need and not taken counts for nothing.
  const Dataset ahead = range(30).shuffle(30, 7).repeat().batch(4).prefetch(50);
  const Dataset plain = range(30).shuffle(30, 7).repeat().batch(4);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(all(ahead.take(2)), all(plain.take(2)));
}

INSTANTIATE_TEST_SUITE_P(Both, DatasetOrder, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Rows" : "Elements"; });

TEST(Dataset, RangeIsPythons) {
  EXPECT_THAT(all(Dataset::range(2, 6)), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(all(Dataset::range(1, 8, 3)), ElementsAre(1, 4, 7));
  EXPECT_THAT(all(Dataset::range(5, 0, -2)), ElementsAre(5, 3, 1));
  EXPECT_THAT(all(Dataset::range(5, 0)), ElementsAre());
  EXPECT_THAT(all(Dataset::range(-3)), ElementsAre());
  EXPECT_EQ(Dataset::range(3).first().x().dtype(), int64);
  EXPECT_EQ(Dataset::range(INT64_MIN, INT64_MAX).cardinality(), INT64_MAX);
  EXPECT_THAT(error_of([] { Dataset::range(1, 2, 0); }), HasSubstr("range: the step"));
}

TEST(Dataset, ElementsHaveUpToThreeParts) {
  const Tensor x = Tensor::from({{1.f, 2.f}, {3.f, 4.f}, {5.f, 6.f}}), y = Tensor::from({7, 8, 9}),
               w = Tensor::from({.5f, .6f, .7f});
  int64_t i = 0;
  for (const auto& [a, b] : Dataset::from_tensor_slices({x, y})) {
    EXPECT_EQ(a.shape(), Shape({2}));
    EXPECT_EQ(a.at(1), x.at(2 * i + 1));
    EXPECT_EQ(b.at(0), y.at(i++));
  }
  EXPECT_EQ(i, 3);
  const Element three = Dataset::from_tensor_slices({x, y, w}).batch(2).first();
  EXPECT_EQ(three.size(), 3u);
  EXPECT_EQ(three.sample_weight().shape(), Shape({2}));
  const Element named =
      Dataset::from_tensor_slices({{{"a", x}, {"b", y}}, w}).shuffle(3, 1).batch(3).first();
  EXPECT_EQ(named.part(0).in_order({"b", "a"}, "input", "x")[1].shape(), Shape({3, 2}));
  EXPECT_THAT(error_of([&] { (void)named.x(); }), HasSubstr("x of the element holds 2 tensors"));
  EXPECT_THAT(error_of([&] { (void)Element(x).y(); }), HasSubstr("the element has no y"));
  EXPECT_EQ(Dataset::from_tensors({x, y}).first().x().shape(), Shape({3, 2}));
  EXPECT_EQ(Dataset::from_tensors(x).cardinality(), 1);

  EXPECT_THAT(error_of<ShapeError>([&] {
                Dataset::from_tensor_slices({x, Tensor(float32, {4})});
              }),
              HasSubstr("tensors of 3 and 4 rows, float32[3,2] and float32[4]"));
  EXPECT_THAT(error_of<ShapeError>([] { Dataset::from_tensor_slices(Tensor()); }),
              HasSubstr("a scalar has no rows"));
  EXPECT_THAT(error_of([] { Dataset::from_tensor_slices(Element()); }), HasSubstr("no tensor"));
}

TEST(Dataset, RowsAreNotCopied) {
  const Tensor x(float32, {10, 4});
  const auto* begin = static_cast<const float*>(x.raw());
  Dataset::Iterator batches(Dataset::from_tensor_slices(x).batch(4));
  (void)batches.next();
  EXPECT_EQ(batches.next()->x().raw(), begin + 16);
  // Where rows must be gathered, batches that nobody holds share one memory.
  const void* memory = nullptr;
  for (const Element& e : Dataset::from_tensor_slices(x).shuffle(10, 1).batch(5)) {
    if (memory != nullptr) EXPECT_EQ(e.x().raw(), memory);
    memory = e.x().raw();
  }
  // Those that are held keep their values.
  std::vector<Tensor> held;
  for (const Element& e : rows(40).shuffle(40, 1).batch(2)) held.push_back(e.x());
  std::set<double> seen;
  for (const Tensor& t : held) seen.insert({t.at(0), t.at(1)});
  EXPECT_EQ(seen.size(), 40u);
}

TEST(Dataset, GeneratorsAreAskedAnew) {
  int made = 0;
  const auto counting = Dataset::from_generator([&made] {
    ++made;
    return [i = 0]() mutable -> std::optional<Element> {
      if (i == 3) return std::nullopt;
      return Element(Tensor::scalar(i++));
    };
  });
  EXPECT_EQ(all(counting), counted(3));
  EXPECT_EQ(all(counting.repeat(2)).size(), 6u);
  EXPECT_EQ(made, 3);
  EXPECT_EQ(all(Dataset::from_generator([] { return std::vector<int>{0, 1, 2}; })), counted(3));
  const Tensor x = Tensor::from({1.f});
  const auto pairs = Dataset::from_generator([x] {
    return std::vector<std::pair<Tensor, Tensor>>{{x, x}, {x, x}};
  });
  EXPECT_EQ(pairs.first().size(), 2u);
  EXPECT_EQ(pairs.cardinality(), Dataset::kUnknownCardinality);
}

TEST(Dataset, MapTakesElementsOrTensors) {
  const Dataset xy = Dataset::from_tensor_slices({Tensor::from({1, 2}), Tensor::from({3, 4})});
  EXPECT_THAT(all(xy.map([](Tensor x, Tensor y) { return Tensor::scalar(x.at(0) * y.at(0)); })),
              ElementsAre(3, 8));
  EXPECT_THAT(all(xy.map([](Tensor x, const Tensor& y) { return std::pair(y, x); })),
              ElementsAre(3, 4));
  EXPECT_THAT(all(xy.map([](const Element& e) { return Element(e.y()); })), ElementsAre(3, 4));
  EXPECT_EQ(xy.map([](Tensor x, Tensor y) { return std::tuple(x, y, y); }).first().size(), 3u);
  EXPECT_THAT(all(xy.filter([](Tensor, Tensor y) { return y.at(0) > 3; })), ElementsAre(2));
  const CompiledFunction twice([](CallContext&, Symbol x) { return x + x; });
  EXPECT_THAT(all(Dataset::range(3).map(twice)), ElementsAre(0, 2, 4));
  EXPECT_THAT(error_of([&] { all(xy.map([](Tensor x) { return x; })); }),
              HasSubstr("element 0: the function takes 1 tensor, the element has 2 parts"));
}

class DatasetThreads : public ::testing::TestWithParam<int> {};

TEST_P(DatasetThreads, OrderStays) {
  const auto slow_first = [](Tensor x) {
    std::this_thread::sleep_for(std::chrono::microseconds(x.at(0) < 4 ? 3000 : 10));
    return Tensor::scalar(static_cast<int64_t>(x.at(0)) * 2);
  };
  Numbers expected = counted(50);
  for (int64_t& n : expected) n *= 2;
  EXPECT_EQ(all(Dataset::range(50).map(slow_first, {.num_parallel_calls = GetParam()})), expected);
  EXPECT_EQ(all(Dataset::range(50)
                    .map(slow_first, {.num_parallel_calls = GetParam()})
                    .shuffle(9, 2)
                    .batch(4)
                    .prefetch(2)),
            all(Dataset::range(50).map(slow_first).shuffle(9, 2).batch(4)));
}

class OddNumber : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST_P(DatasetThreads, ExceptionsComeInOrderWithTheNumber) {
  const Dataset odd = Dataset::range(9).map(
      [](Tensor x) {
        const int64_t n = value(x);
        if (n == 3) throw ShapeError("three");
        if (n == 5) throw OddNumber("five");
        if (n == 7) throw 7;
        return x;
      },
      {.num_parallel_calls = GetParam()});
  Dataset::Iterator it(odd.prefetch(2));
  Numbers got;
  std::vector<std::string> errors;
  for (bool more = true; more;) {
    try {
      const std::optional<Element> e = it.next();
      more = e.has_value();
      if (more) got.push_back(value(e->x()));
    } catch (const ShapeError& error) {
      errors.push_back(std::string("shape ") + error.what());
    } catch (const Error& error) {
      errors.push_back(error.what());
      try {
        std::rethrow_if_nested(error);
      } catch (const OddNumber& inner) {
        errors.push_back(inner.what());
      } catch (int inner) {
        EXPECT_EQ(inner, 7);
      }
    }
  }
  EXPECT_THAT(got, ElementsAre(0, 1, 2, 4, 6, 8));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("element 3: three"), HasSubstr("element 5: five"),
                                  "five", HasSubstr("element 7")));
  EXPECT_THAT(errors[0], HasSubstr("shape map (dataset_test.cc:"));
}

TEST_P(DatasetThreads, SourcesThatFailFailInTheirPlace) {
  const Dataset bad = Dataset::from_generator([] {
                        return [i = 0]() mutable -> std::optional<Element> {
                          if (i == 5) return std::nullopt;
                          if (i++ == 2) throw Error("no second one");
                          return Element(Tensor::scalar(i - 1));
                        };
                      }).map([](Tensor x) { return x; }, {.num_parallel_calls = GetParam()});
  Dataset::Iterator it(bad);
  EXPECT_EQ(value(it.next()->x()), 0);
  EXPECT_EQ(value(it.next()->x()), 1);
  EXPECT_EQ(error_of([&] { (void)it.next(); }), "no second one");
  EXPECT_EQ(value(it.next()->x()), 3);
  EXPECT_EQ(value(it.next()->x()), 4);
  EXPECT_FALSE(it.next());
  EXPECT_FALSE(it.next());
}

// An endless stream: no more elements are alive than threads and buffers need.
TEST_P(DatasetThreads, EndlessStreamsTakeBoundedMemory) {
  std::atomic<int> alive{0}, most{0};
  const Dataset endless =
      Dataset::range(3)
          .repeat()
          .map(
              [&](Tensor) {
                most = std::max(most.load(), ++alive);
                const std::shared_ptr<float> memory(new float(0), [&](const float* value) {
                  delete value;
                  --alive;
                });
                return Tensor(float32, {1}, memory.get(), memory);
              },
              {.num_parallel_calls = GetParam()})
          .prefetch(3);
  int taken = 0;
  for (const Element& e : endless.take(500)) taken += static_cast<int>(e.x().elements());
  EXPECT_EQ(taken, 500);
  EXPECT_EQ(alive, 0) << "elements of the walk that ended";
  EXPECT_LE(most, 2 * std::max(GetParam(), 1) + 3 + 3);
}

INSTANTIATE_TEST_SUITE_P(Threads, DatasetThreads, ::testing::Values(1, 2, 3, 8));

int threads_of_process() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    count += entry.is_directory() ? 1 : 0;
  return count;
}

TEST(Dataset, HalfReadIterationsLeaveNoThread) {
  const auto read_some = [] {
    Dataset::Iterator it(Dataset::range(1000)
                             .map([](Tensor x) { return x; }, {.num_parallel_calls = 4})
                             .batch(3)
                             .prefetch(2));
    EXPECT_EQ(value(it.next()->x()), 0);
  };
  read_some();  // a sanitizer may start a thread of its own with the first one
  const int before = threads_of_process();
  for (int i = 0; i < 20; ++i) read_some();
  // The system may show a thread for a moment after it was waited for.
  for (int i = 0; i < 1000 && threads_of_process() > before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LE(threads_of_process(), before);
}

TEST(Dataset, ChildrenOfAForkGoOn) {
  const Dataset dataset = Dataset::range(200)
                              .map(
                                  [](Tensor x) {
                                    std::this_thread::sleep_for(std::chrono::microseconds(200));
                                    return x;
                                  },
                                  {.num_parallel_calls = 3})
                              .batch(2)
                              .prefetch(4);
  Dataset::Iterator it(dataset);
  Numbers seen;
  for (int i = 0; i < 10; ++i) seen.push_back(value(it.next()->x()));
  for (int child = 0; child < 3; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(60);
      bool good = true;
      for (int64_t n = 20 + 6 * child; n < 200; n += 2) {
        const std::optional<Element> e = it.next();
        good = good && e && value(e->x()) == n;
      }
      good = good && !it.next() && all(dataset) == counted(200);
      ::_exit(good ? 0 : 1);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    for (int i = 0; i < 3; ++i) seen.push_back(value(it.next()->x()));
  }
  while (const std::optional<Element> e = it.next()) seen.push_back(value(e->x()));
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Dataset, ZipsAndCounts) {
  const Dataset a = Dataset::range(3), b = Dataset::range(10, 20);
  Numbers y;
  for (const auto& [p, q] : Dataset::zip({a, b})) y.push_back(value(p) * 100 + value(q));
  EXPECT_THAT(y, ElementsAre(10, 111, 212));
  EXPECT_EQ(Dataset::zip({Dataset::zip({a, b}), b}).first().part(0).list().size(), 2u);
  EXPECT_THAT(error_of([&] { Dataset::zip({a}); }), HasSubstr("given 1 dataset"));

  constexpr int64_t kInfinite = Dataset::kInfiniteCardinality,
                    kUnknown = Dataset::kUnknownCardinality;
  EXPECT_EQ(a.cardinality(), 3);
  EXPECT_EQ(a.repeat().cardinality(), kInfinite);
  EXPECT_EQ(a.repeat(4).cardinality(), 12);
  EXPECT_EQ(a.repeat().take(5).cardinality(), 5);
  EXPECT_EQ(a.repeat().skip(5).cardinality(), kInfinite);
  EXPECT_EQ(a.take(2).cardinality(), 2);
  EXPECT_EQ(a.skip(5).cardinality(), 0);
  EXPECT_EQ(a.batch(2).cardinality(), 2);
  EXPECT_EQ(a.batch(2, true).cardinality(), 1);
  EXPECT_EQ(a.filter([](Tensor) { return true; }).cardinality(), kUnknown);
  EXPECT_EQ(a.batch(2).unbatch().cardinality(), kUnknown);
  EXPECT_EQ(a.concatenate(b).cardinality(), 13);
  EXPECT_EQ(a.concatenate(b.repeat()).cardinality(), kInfinite);
  EXPECT_EQ(Dataset::zip({a, b.repeat()}).cardinality(), 3);
  EXPECT_EQ(Dataset::zip({a.repeat(), b.repeat()}).cardinality(), kInfinite);
  EXPECT_EQ(a.map([](Tensor x) { return x; }).shuffle(2).cache().prefetch(1).cardinality(), 3);
}

TEST(Dataset, RefusesWhatTfRefuses) {
  const Dataset a = Dataset::range(3);
  EXPECT_THAT(error_of([&] { a.batch(0); }), HasSubstr("batch: the size must be at least 1"));
  EXPECT_THAT(error_of([&] { a.shuffle(0); }), HasSubstr("shuffle: the buffer"));
  EXPECT_THAT(error_of([&] { a.take(-2); }), HasSubstr("take: the count"));
  EXPECT_THAT(error_of([&] { a.skip(-2); }), HasSubstr("skip: the count"));
  EXPECT_THAT(error_of([&] { a.repeat(-2); }), HasSubstr("repeat: the count"));
  EXPECT_THAT(error_of([&] { a.prefetch(-2); }), HasSubstr("prefetch: the buffer"));
  EXPECT_THAT(error_of([&] { a.window(2, {.stride = 0}); }), HasSubstr("window: the stride"));
  EXPECT_THAT(error_of([&] { a.window(INT64_MAX, {.stride = 2}); }), HasSubstr("too many"));
  EXPECT_THAT(error_of([&] { a.map([](Tensor x) { return x; }, {.num_parallel_calls = 0}); }),
              HasSubstr("map: num_parallel_calls"));
  EXPECT_THAT(error_of([&] { (void)a.take(0).first(); }), HasSubstr("no element"));
  const Dataset ragged = a.map([](Tensor x) { return Tensor(float32, {value(x) + 1}); });
  EXPECT_THAT(
      error_of<ShapeError>([&] { all(ragged.batch(3)); }),
      HasSubstr("batch: element 1 of the batch holds float32[2], the first one float32[1]"));
  EXPECT_THAT(error_of([&] { a.batch(-1); }), HasSubstr("dataset_test.cc:"));
}

// An iteration can be begun once more, in the order that it has, where no function makes elements.
TEST(Dataset, IterationsRepeat) {
  const auto take = [](Dataset::Iterator& from, int64_t most) {
    Numbers result;
    for (std::optional<Element> e; most-- > 0 && (e = from.next());)
      for (int64_t i = 0; i < e->x().elements(); ++i)
        result.push_back(static_cast<int64_t>(e->x().at(i)));
    return result;
  };
  const Dataset shuffled = rows(40).shuffle(16);
  for (const Dataset& dataset : {rows(10), Dataset::range(10), shuffled, shuffled.batch(3),
                                 shuffled.repeat(2).batch(7), shuffled.take(30).skip(2).prefetch(2),
                                 rows(5).concatenate(shuffled), Dataset::zip({shuffled, rows(40)}),
                                 rows(9).window(4, {.shift = 2, .drop_remainder = true}).batch(2),
                                 rows(8).batch(4).unbatch()}) {
    Dataset::Iterator first(dataset);
    const Numbers some = take(first, 4);
    std::optional<Dataset::Iterator> again = first.repeated();
    ASSERT_TRUE(again);
    EXPECT_EQ(take(*again, 4), some);
    EXPECT_EQ(take(*again, 1000), take(first, 1000));
    Dataset::Iterator third = *first.repeated();
    EXPECT_EQ(take(third, 4), some);
  }
  const Dataset mapped = rows(4).map([](Tensor x) { return x; });
  EXPECT_FALSE(Dataset::Iterator(mapped).repeated());
  EXPECT_FALSE(Dataset::Iterator(mapped.shuffle(4).batch(2)).repeated());
  EXPECT_FALSE(Dataset::Iterator(Dataset::zip({rows(4), mapped})).repeated());
  EXPECT_FALSE(Dataset::Iterator(rows(4).concatenate(mapped)).repeated());
  EXPECT_FALSE(Dataset::Iterator(rows(4).filter([](Tensor) { return true; })).repeated());
}

TEST(Dataset, ProgressKnowsHowMany) {
  int64_t count = 0;
  for ([[maybe_unused]] const auto& [x, y] : progress(
           Dataset::zip({Dataset::range(3), Dataset::range(3)}), {.style = ProgressStyle::kQuiet}))
    ++count;
  EXPECT_EQ(count, 3);
}

}  // namespace
}  // namespace sinter::testing
