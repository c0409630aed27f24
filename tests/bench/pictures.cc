// Reads and changes pictures, and prints one JSON line: microseconds a picture, of the clock and of
// all threads' CPU time, each the least of some turns. tests/bench/pictures calls it.
//
//     bench_pictures write FOLDER            20,000 PNGs of 28 x 28: the letters, shifted and
//     flipped bench_pictures load FOLDER THREADS     FOLDER/*/*.png as one tensor bench_pictures
//     flow THREADS            ImageDataGenerator::flow, shift + flip, 28 x 28, batch 128
//     bench_pictures LAYER THREADS BATCH SIDE CHANNELS       RandomFlip, RandomZoom ...
#include <sinter/sinter.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <random>
#include <string>

using namespace sinter;

namespace {

using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

void print_times(int64_t pictures, int turns, const std::function<void()>& work) {
  work();
  double wall = 1e9, cpu = 1e9;
  for (int turn = 0; turn < turns; ++turn) {
    const auto began = Clock::now();
    const double cpu_began = cpu_seconds();
    work();
    cpu = std::min(cpu, cpu_seconds() - cpu_began);
    wall = std::min(wall, std::chrono::duration<double>(Clock::now() - began).count());
  }
  const double each = 1e6 / static_cast<double>(pictures);
  std::printf("{\"pictures\": %ld, \"wall_us\": %.3f, \"cpu_us\": %.3f}\n",
              static_cast<long>(pictures), wall * each, cpu * each);
}

ImageDataGenerator shift_and_flip() {
  return ImageDataGenerator(
      {.width_shift_range = 0.1, .height_shift_range = 0.1, .horizontal_flip = true});
}

void write(const std::string& folder) {
  const auto letters = datasets::letters();
  const Tensor x = letters.train.x.reshaped({letters.train.x.shape()[0], 28, 28, 1});
  int count = 0;
  for (const Element& batch :
       shift_and_flip().flow(x, letters.train.labels, {.batch_size = 1, .seed = 1}).repeat()) {
    const std::string below = folder + "/" + std::to_string(count % 10);
    std::filesystem::create_directories(below);
    write_image(below + "/" + std::to_string(count) + ".png", batch.x().reshaped({28, 28, 1}));
    if (++count == 20'000) return;
  }
}

void load(const std::string& folder, int threads) {
  const std::vector<std::string> paths = glob(folder + "/*/*.png");
  print_times(std::ssize(paths), 3,
              [&] { load_images(paths, {.threads = threads, .progress = false}); });
}

Tensor random_pictures(const Shape& shape) {
  Tensor result(DType::kFloat32, shape);
  std::minstd_rand random(1);
  for (float& value : result.data<float>()) value = std::uniform_real_distribution<float>()(random);
  return result;
}

void flow(int threads) {
  const int64_t pictures = 128 * 100;
  const Tensor x = random_pictures({pictures, 28, 28, 1}), y = Tensor(DType::kFloat32, {pictures});
  const Dataset batches =
      shift_and_flip().flow(x, y, {.batch_size = 128, .seed = 1, .threads = threads});
  print_times(pictures, 3, [&] {
    for (const Element& batch : batches) (void)batch;
  });
}

Layer layer_of(const std::string& name) {
  if (name == "RandomFlip") return RandomFlip();
  if (name == "RandomTranslation") return RandomTranslation(0.1, 0.1);
  if (name == "RandomZoom") return RandomZoom(0.1);
  if (name == "RandomRotation") return RandomRotation(0.1);
  throw Error("unknown layer '" + name + "'");
}

void layer(const std::string& name, int threads, const Shape& shape) {
  set_threads(threads);
  const Layer layer = layer_of(name);
  const CompiledFunction function(
      [layer](CallContext& context, Symbol x) { return layer(context, x); }, {.training = true});
  const Tensor x = random_pictures(shape);
  print_times(shape[0], 20, [&] { function(x); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const auto number = [&](size_t i) { return std::stoi(words[i]); };
    if (words.size() == 2 && words[0] == "write")
      write(words[1]);
    else if (words.size() == 3 && words[0] == "load")
      load(words[1], number(2));
    else if (words.size() == 2 && words[0] == "flow")
      flow(number(1));
    else if (words.size() == 5)
      layer(words[0], number(1), {number(2), number(3), number(3), number(4)});
    else
      throw Error("see the top of tests/bench/pictures.cc");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_pictures: %s\n", error.what());
    return 1;
  }
}
