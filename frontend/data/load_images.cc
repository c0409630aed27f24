// Many picture files as one tensor, by several threads.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>

#include "core/convert.h"
#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "frontend/data/helper_thread.h"
#include "frontend/data/image.h"
#include "frontend/data/image_codecs.h"
#include "frontend/data/image_files.h"
#include "frontend/progress.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

constexpr size_t kMostKeptBytes = size_t{1} << 20;

/// Calls f(i) for i below n, in `count` threads, the calling one included; on_progress(done) in
/// that one. Rethrows what the least i threw: for any number of threads the same.
template <typename F, typename OnProgress>
void parallel(size_t n, int count, const F& f, const OnProgress& on_progress) {
  std::atomic<size_t> next{0}, done{0}, failed_at{n};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](bool is_caller) {
    // Numbers are handed out in order, so all below one that failed are done or under way.
    for (size_t i = next++; i < n && i < failed_at; i = next++) {
      try {
        f(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed_at) {
          failed_at = i;
          failure = std::current_exception();
        }
      }
      const size_t all = ++done;
      if (is_caller) on_progress(all);
    }
  };
  HelperThreads threads;
  const size_t most = std::min(static_cast<size_t>(count), n);
  while (threads.size() + 1 < most && threads.start([&] { work(false); })) {
  }
  work(true);
  threads.join();
  if (failure != nullptr) std::rethrow_exception(failure);
  on_progress(n);
}

// Of 0 to 255, to nearest.
void put_rounded(const Tensor& from, uint8_t* to) {
  for (const float value : from.data<float>())
    *to++ = convert_element<uint8_t>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
}

RawImage read_raw(const std::string& path) {
  static thread_local std::string buffer;
  RawImage image = decode_raw(read_file_to(buffer, path, kPngEnding), path);
  // What one large file needed is not kept.
  if (buffer.size() > kMostKeptBytes) buffer = {};
  return image;
}

}  // namespace

Tensor load_images(const std::vector<std::string>& paths, LoadImagesOptions options,
                   SourceLocation where) {
  return at_line(where, [&] {
    if (paths.empty()) throw Error("load_images: there is no file");
    if (options.threads < 0)
      throw Error(
          fmt::format("load_images: threads must not be negative, found {}", options.threads));
    check_read_options("load_images", options.channels, options.dtype);
    if (options.size) check_resizing("load_images", *options.size, options.interpolation);
    const RawImage first = read_raw(paths[0]);
    const ImageSize size = options.size.value_or(ImageSize{first.height, first.width});
    const int channels = options.channels == 0 ? first.channels : options.channels;
    // Not a placeholder: all pages asked for at once cost half of what they cost one by one.
    Tensor result(options.dtype,
                  {static_cast<int64_t>(paths.size()), size.height, size.width, channels});
    auto* to = static_cast<std::byte*>(result.raw());
    const auto bytes =
        static_cast<size_t>(size.height * size.width * channels * dtype_size(options.dtype));
    const auto put = [&](size_t i, const RawImage& image) {
      const bool is_alike = options.channels != 0 || image.channels == channels;
      const bool is_sized = image.height == size.height && image.width == size.width;
      if (!is_alike || !(is_sized || options.size)) {
        const auto text = [](const RawImage& of) {
          return Shape{of.height, of.width, of.channels}.to_string();
        };
        throw ShapeError(
            fmt::format("load_images: '{}' is {}, '{}' is {}: .size makes them alike, "
                        ".channels their channels",
                        paths[i], text(image), paths[0], text(first)));
      }
      if (is_sized) {
        put_values(image, channels, options.dtype, to + i * bytes);
        return;
      }
      Tensor whole = Tensor::placeholder(options.dtype, {image.height, image.width, channels});
      put_values(image, channels, options.dtype, whole.raw());
      const Tensor sized = resize(whole, size, options.interpolation, {});
      if (sized.dtype() == options.dtype)
        std::memcpy(to + i * bytes, sized.raw(), bytes);
      else
        put_rounded(sized, reinterpret_cast<uint8_t*>(to + i * bytes));
    };
    const auto one = [&](size_t i) { i == 0 ? put(0, first) : put(i, read_raw(paths[i])); };
    ProgressBar bar(static_cast<int64_t>(paths.size()),
                    {.description = "load_images",
                     .unit = "image",
                     .style = options.progress ? ProgressStyle::kAuto : ProgressStyle::kQuiet});
    const int count = options.threads == 0 ? threads() : std::min(options.threads, kMaxThreads);
    parallel(paths.size(), count, one,
             [&](size_t done) { bar.set_done(static_cast<int64_t>(done)); });
    bar.close();
    return result;
  });
}

}  // namespace sinter
